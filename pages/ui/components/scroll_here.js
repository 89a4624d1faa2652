// Scrolls this element into view at each new turn; 0 means that nobody asked.
const turns = new WeakMap()

export default function ({ parentElement, data }) {
  const place = parentElement.host ?? parentElement
  if (data.turn && data.turn !== turns.get(parentElement)) {
    const { top } = place.getBoundingClientRect()
    const inView = data.room !== null && top >= 0 && top + data.room <= innerHeight
    place.style.scrollMarginTop = "4rem" // the header of the app lies over the page
    if (!inView) place.scrollIntoView({ block: "start", behavior: "smooth" })
  }
  if (data.turn) turns.set(parentElement, data.turn)
}
