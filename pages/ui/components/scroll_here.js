// Scrolls this element into view whenever the number of clicks has grown. A reload begins with what it finds.
const turns = new WeakMap()

export default function ({ parentElement, data }) {
  const place = parentElement.host ?? parentElement
  if (data.turn > (turns.get(parentElement) ?? 0)) place.scrollIntoView({ block: "start", behavior: "smooth" })
  turns.set(parentElement, data.turn)
}
