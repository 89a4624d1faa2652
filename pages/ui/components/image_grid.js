// Draws the tiles that Python sends and reports what a person does with them. The selection is kept in Python: `turn`
// counts the reports of this file, and an answer to an older report never undoes a newer click.
const states = new WeakMap()
const SETTLE = 220 // ms: gathers quick clicks, and lets a double click open instead of select

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const grid = parentElement.querySelector(".grid")
  const state = states.get(parentElement) ?? { turn: 0, selected: new Set(), focus: 0, anchor: 0, timer: 0, shown: "" }
  states.set(parentElement, state)
  state.data = data
  state.report = opened => {
    clearTimeout(state.timer)
    setTriggerValue("acted", { selected: [...state.selected], opened: opened ?? null, turn: state.turn })
  }
  const shown = JSON.stringify([data.keys, data.captions, data.tile, data.selectable, data.sprite.length])
  if (shown !== state.shown) {
    clearTimeout(state.timer)
    build(grid, state)
    state.shown = shown
    state.turn = Math.max(state.turn, data.turn)
    state.selected = new Set(data.selected)
  } else if (data.turn >= state.turn) {
    state.turn = data.turn
    state.selected = new Set(data.selected)
  }
  grid.style.setProperty("--sprite", `url("${data.sprite}")`)
  mark(grid, state)
  return () => clearTimeout(state.timer)
}

function build(grid, state) {
  const { keys, captions, columns, tile, selectable } = state.data
  grid.style.setProperty("--tile", `${tile}px`)
  grid.style.setProperty("--columns", columns)
  grid.setAttribute("role", selectable ? "listbox" : "group")
  grid.setAttribute("aria-label", "Pictures")
  if (selectable) grid.setAttribute("aria-multiselectable", "true")
  state.focus = Math.min(state.focus, Math.max(0, keys.length - 1))
  state.anchor = state.focus
  grid.replaceChildren(...keys.map((key, index) => {
    const item = element("div", "tile")
    item.setAttribute("role", selectable ? "option" : "button")
    item.setAttribute("aria-label", captions[index].replaceAll("\n", ", ") || key)
    item.title = key
    const picture = element("div", "picture")
    picture.style.backgroundPosition = `-${(index % columns) * tile}px -${Math.floor(index / columns) * tile}px`
    const caption = element("div", "caption", captions[index])
    const check = element("span", "check", "✓")
    const open = element("span", "open", "⤢")
    for (const part of [picture, caption, check, open]) part.setAttribute("aria-hidden", "true")
    open.onclick = event => { event.stopPropagation(); state.report(key) }
    item.append(picture, caption, check, open)
    item.onclick = event => {
      move(grid, state, index)
      selectable ? pick(grid, state, index, event.shiftKey) : state.report(key)
    }
    item.ondblclick = () => selectable && state.report(key)
    item.onkeydown = event => press(grid, state, index, event)
    item.onfocus = () => { state.focus = index; mark(grid, state) }
    return item
  }))
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function mark(grid, state) {
  const { keys, selectable } = state.data
  ;[...grid.children].forEach((item, index) => {
    item.tabIndex = index === state.focus ? 0 : -1
    if (selectable) item.setAttribute("aria-selected", String(state.selected.has(keys[index])))
  })
}

function move(grid, state, index) {
  const target = Math.max(0, Math.min(grid.children.length - 1, index))
  state.focus = target
  mark(grid, state)
  grid.children[target]?.focus()
}

function pick(grid, state, index, range) {
  const { keys } = state.data
  const key = keys[index]
  if (range) {
    const [first, last] = [Math.min(state.anchor, index), Math.max(state.anchor, index)]
    keys.slice(first, last + 1).forEach(item => state.selected.add(item))
  } else {
    state.selected.has(key) ? state.selected.delete(key) : state.selected.add(key)
    state.anchor = index
  }
  settle(grid, state)
}

function settle(grid, state) {
  state.turn += 1
  mark(grid, state)
  clearTimeout(state.timer)
  state.timer = setTimeout(() => state.report(), SETTLE)
}

function perRow(grid) {
  const top = grid.children[0]?.offsetTop
  const next = [...grid.children].findIndex(item => item.offsetTop !== top)
  return next < 0 ? grid.children.length : next
}

function press(grid, state, index, event) {
  const { keys, selectable } = state.data
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow(grid), ArrowDown: perRow(grid) }
  const targets = { Home: 0, End: keys.length - 1 }
  const command = event.ctrlKey || event.metaKey
  let known = true
  if (event.key in steps && !command && !event.altKey) {
    const target = index + steps[event.key]
    if (target >= 0 && target < keys.length) move(grid, state, target)
  } else if (event.key in targets) move(grid, state, targets[event.key])
  else if (event.key === "Enter") state.report(keys[index])
  else if (event.key === " ") selectable ? pick(grid, state, index, event.shiftKey) : state.report(keys[index])
  else if (command && event.key.toLowerCase() === "a" && selectable) {
    keys.forEach(key => state.selected.add(key))
    settle(grid, state)
  } else known = false
  if (known) {
    event.preventDefault()
    event.stopPropagation()
  }
}
