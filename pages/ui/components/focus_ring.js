// Draws a ring around the link that has the focus, as long as the browser finds that it should be seen.
const drawn = new WeakMap() // a theme that changes calls the function below again: there is one ring

function follow(ring) {
  const link = document.activeElement
  if (!link?.matches("a:focus-visible")) return ring.hidePopover()
  const { left, top, width, height } = link.getBoundingClientRect()
  Object.assign(ring.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` })
  ring.showPopover()
}

export default function ({ parentElement }) {
  const ring = parentElement.querySelector(".ring")
  if (ring.showPopover && !drawn.has(parentElement)) { // older browsers have no popovers
    const end = new AbortController()
    const again = () => follow(ring)
    for (const happened of ["focusin", "focusout", "scroll", "transitionend"])
      document.addEventListener(happened, again, { capture: true, signal: end.signal })
    window.addEventListener("resize", again, { signal: end.signal })
    drawn.set(parentElement, end)
    again()
  }
  return () => {
    drawn.get(parentElement)?.abort()
    drawn.delete(parentElement)
  }
}
