// Draws one mark per epoch and reports the one that a person chooses. One tab stop; the arrow keys move and choose.
const states = new WeakMap()

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const row = parentElement.querySelector(".marks")
  const state = states.get(parentElement) ?? { shown: "" }
  states.set(parentElement, state)
  state.choose = epoch => setTriggerValue("chosen", epoch)
  state.data = data
  row.style.setProperty("--right", data.right)
  row.style.setProperty("--wrong", data.wrong)
  const shown = JSON.stringify(data.marks)
  if (shown !== state.shown) build(row, state)
  state.shown = shown
  ;[...row.children].forEach((item, index) => {
    const chosen = data.marks[index].epoch === data.shown
    item.setAttribute("aria-selected", String(chosen))
    item.tabIndex = chosen ? 0 : -1
    if (chosen) reveal(row, item)
  })
}

function build(row, state) {
  row.replaceChildren(...state.data.marks.map((mark, index) => {
    const [kind, sign] = mark.right === null ? ["unseen", "–"] : mark.right ? ["right", "✓"] : ["wrong", "✗"]
    const item = element("div", `mark ${kind}${mark.best ? " best" : ""}`)
    item.setAttribute("role", "option")
    item.setAttribute("aria-label", mark.words)
    item.title = mark.words
    item.append(element("span", "sign", sign), element("span", "number", String(mark.epoch)))
    for (const part of item.children) part.setAttribute("aria-hidden", "true")
    item.onclick = () => choose(row, state, index)
    item.onkeydown = event => press(row, state, index, event)
    return item
  }))
}

function reveal(row, item) { // scrollIntoView would move the page too
  const below = item.offsetTop + item.offsetHeight - row.clientHeight
  row.scrollTop = Math.min(item.offsetTop, Math.max(row.scrollTop, below))
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function choose(row, state, index) {
  const target = Math.max(0, Math.min(row.children.length - 1, index))
  row.children[target].focus({ preventScroll: true })
  state.choose(state.data.marks[target].epoch)
}

function press(row, state, index, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
  const last = row.children.length - 1
  const targets = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last, Enter: index, " ": index }
  if (!(event.key in targets)) return
  choose(row, state, targets[event.key])
  event.preventDefault()
  event.stopPropagation()
}
