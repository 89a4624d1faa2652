// Scrolls this element into view at each new turn; 0 means that nobody asked.
const turns = new WeakMap()

export default function ({ parentElement, data }) {
  const place = parentElement.host ?? parentElement
  if (data.turn && data.turn !== turns.get(parentElement)) place.scrollIntoView({ block: "start", behavior: "smooth" })
  if (data.turn) turns.set(parentElement, data.turn)
}
