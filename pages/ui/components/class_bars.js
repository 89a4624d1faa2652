// Draws one row for each class: its name, its bar, its probability.
export default function ({ parentElement, data }) {
  parentElement.querySelector(".bars").replaceChildren(...data.bars.flatMap(row))
}

function row({ name, marks, share, text, colour }) {
  const title = element("dt", marks ? "name marked" : "name", marks ? `${name} (${marks})` : name)
  title.title = title.textContent
  const track = element("dd", "track")
  const bar = element("span", "bar")
  bar.style.width = `${100 * share}%`
  bar.style.background = colour
  const strip = element("span", "strip")
  strip.append(bar)
  track.append(strip, element("span", "share", text))
  return [title, track]
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}
