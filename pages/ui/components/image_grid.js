// Draws the tiles that Python sends and reports what a person does with them. The selection is kept in Python: `turn`
// counts the reports of this file, and an answer to an older report never undoes a newer click. A report tells what has
// changed since the last answer (`known`), so that it never undoes what Python has selected or cleared meanwhile.
// Of reports that come while the server is busy only the last one arrives, so keys are sent until they are answered.
const states = new WeakMap()
const SETTLE = 220 // ms: gathers quick ticks into one report
const LONG_PRESS = 500 // ms: a finger that rests selects
const STILL = 10 // px that a resting finger may move
const FOCUS_TRIES = [0, 150, 400, 800] // ms: what was open gives the focus away while it closes
const CELL_EDGE = 12 // px of a cell beside its picture, as in image_grid.css
const FEWEST = 0.6 // of the columns that fit: with less, the pictures would stand too far apart
const SIGNS = { right: "✓", wrong: "✗" }

export default function (component) {
  const { parentElement, data, setTriggerValue } = component
  const grid = parentElement.querySelector(".grid")
  const state = states.get(parentElement) ?? {
    turn: 0, selected: new Set(), known: new Set(), focus: 0, anchor: 0, timer: 0, press: 0, shown: "", opened: "", tiles: [], ticks: [],
    presses: [], // [number, key of the picture, digit] without an answer yet
    pressCount: 0,
  }
  states.set(parentElement, state)
  state.data = data
  state.presses = state.presses.filter(([number]) => number > data.pressed)
  state.pressCount = Math.max(state.pressCount, data.pressed)
  state.report = opened => {
    clearTimeout(state.timer)
    state.timer = 0
    const { selected, known, turn } = state
    const [added, removed] = [without(selected, known), without(known, selected)]
    setTriggerValue("acted", { added, removed, opened: opened ?? null, pressed: state.presses, turn })
  }
  const { keys, captions, labels, marks, tile, selectable, sprite } = data
  const shown = JSON.stringify([keys, captions, labels, marks, tile, selectable, sprite])
  if (shown !== state.shown) {
    if (state.timer) state.report() // ticks of the tiles that go
    build(grid, state)
    state.shown = shown
    state.turn = Math.max(state.turn, data.turn)
    learn(state)
  } else if (data.turn >= state.turn) {
    state.turn = data.turn
    learn(state)
  }
  state.showPictures = () => showPictures(grid, state)
  addEventListener("cifar-arrays", state.showPictures)
  state.showPictures()
  mark(grid, state)
  state.sizes ??= new ResizeObserver(() => arrange(grid, state))
  state.sizes.observe(grid)
  if (state.opened && !data.opened) focusAgain(state, [data.closed, state.opened])
  state.opened = data.opened
  return () => {
    clearTimeout(state.timer)
    clearTimeout(state.press)
    removeEventListener("cifar-arrays", state.showPictures)
    state.sizes?.disconnect()
    state.sizes = undefined
  }
}

// The pictures come in an element of their own (sent_arrays.js), perhaps after this one.
function showPictures(grid, state) {
  const pictures = window.cifarArrays?.get(state.data.sprite)?.values[0]
  const digest = pictures && state.data.sprite
  if (digest !== state.pictures) grid.style.setProperty("--sprite", pictures ? `url("${pictures}")` : "none")
  state.pictures = digest
}

function learn(state) {
  state.selected = new Set(state.data.selected)
  state.known = new Set(state.data.selected)
}

function without(names, others) {
  return [...names].filter(name => !others.has(name))
}

function build(grid, state) {
  const { keys, columns, tile, selectable } = state.data
  grid.style.setProperty("--tile", `${tile}px`)
  grid.style.setProperty("--columns", columns)
  grid.setAttribute("role", "list")
  grid.setAttribute("aria-label", selectable ? "Pictures: Enter opens, Space selects, 1 to 9 tag, arrow keys move" : "Pictures")
  state.focus = Math.min(state.focus, Math.max(0, keys.length - 1))
  state.anchor = state.focus
  // New captions of the same pictures take no focus away, as when the next epoch answers.
  const hadFocus = state.tiles.some(item => item.matches(":focus"))
  state.tiles = keys.map((key, index) => makeTile(grid, state, index))
  state.ticks = selectable ? keys.map((key, index) => makeTick(grid, state, index)) : []
  grid.replaceChildren(...keys.map((key, index) => {
    const cell = element("div", "cell")
    cell.setAttribute("role", "listitem")
    cell.dataset.mark = state.data.marks[index]
    cell.append(state.tiles[index], ...(selectable ? [state.ticks[index]] : []))
    return cell
  }))
  if (hadFocus) state.tiles[state.focus]?.focus({ preventScroll: true })
}

// Sets as many columns as fit, or a few less where the last row is full then.
function arrange(grid, state) {
  const { keys, tile } = state.data
  const { columnGap, paddingLeft, paddingRight } = getComputedStyle(grid)
  const gap = parseFloat(columnGap)
  const room = grid.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)
  const fitting = Math.floor((room + gap) / (tile + CELL_EDGE + gap))
  let columns = Math.min(fitting, keys.length)
  while (columns > FEWEST * fitting && keys.length % columns) columns -= 1
  const even = columns > FEWEST * fitting && fitting < keys.length
  grid.style.gridTemplateColumns = even ? `repeat(${columns}, minmax(0, 1fr))` : ""
}

function makeTile(grid, state, index) {
  const { keys, captions, labels, marks, columns, tile, selectable } = state.data
  const item = element("button", "tile")
  item.type = "button"
  item.title = keys[index]
  item.setAttribute("aria-label", labels[index].replaceAll("\n", ", ") || keys[index])
  const picture = element("span", "picture")
  picture.style.backgroundPosition = `-${(index % columns) * tile}px -${Math.floor(index / columns) * tile}px`
  const caption = element("span", "caption")
  captions[index].split("\n").filter(Boolean).forEach(text => {
    const line = element("span", "line", text)
    line.title = text
    caption.append(line, " ")
  })
  if (marks[index]) {
    const sign = element("span", "sign", `${SIGNS[marks[index]]} `)
    caption.firstChild ? caption.firstChild.prepend(sign) : caption.append(sign)
  }
  item.append(picture, caption)
  item.onclick = () => {
    if (state.pressed) return // the end of a long press
    move(grid, state, index)
    state.report(keys[index])
  }
  item.onkeydown = event => press(grid, state, index, event)
  // A button is clicked when Space comes up.
  item.onkeyup = event => { if (event.key === " " && selectable) event.preventDefault() }
  item.onfocus = () => { state.focus = index; mark(grid, state) }
  if (selectable) watchLongPress(grid, state, item, index)
  return item
}

function makeTick(grid, state, index) {
  const tick = element("button", "tick")
  tick.type = "button"
  tick.setAttribute("role", "checkbox")
  tick.setAttribute("aria-label", `Select: ${state.tiles[index].getAttribute("aria-label")}`)
  tick.onclick = event => {
    state.focus = index
    pick(grid, state, index, event.shiftKey)
  }
  tick.onkeydown = event => { if (event.key !== "Enter") press(grid, state, index, event) }
  tick.onkeyup = event => { if (event.key === " ") event.preventDefault() }
  return tick
}

function watchLongPress(grid, state, item, index) {
  let start = null
  const give_up = () => { clearTimeout(state.press); start = null }
  item.onpointerdown = event => {
    state.pressed = false
    give_up()
    if (event.pointerType === "mouse") return
    start = [event.clientX, event.clientY]
    state.press = setTimeout(() => {
      state.pressed = true
      state.focus = index
      pick(grid, state, index, false)
    }, LONG_PRESS)
  }
  item.onpointermove = event => {
    if (start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) > STILL) give_up()
  }
  item.onpointerup = item.onpointercancel = item.onpointerleave = give_up
  item.oncontextmenu = event => { if (start || state.pressed) event.preventDefault() } // the browser's own long press
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function mark(grid, state) {
  const { keys, labels } = state.data
  grid.classList.toggle("choosing", choosing(state))
  state.tiles.forEach((item, index) => { item.tabIndex = index === state.focus ? 0 : -1 })
  state.ticks.forEach((tick, index) => {
    const selected = state.selected.has(keys[index])
    const label = labels[index].replaceAll("\n", ", ") || keys[index]
    tick.tabIndex = index === state.focus ? 0 : -1
    tick.setAttribute("aria-checked", String(selected))
    state.tiles[index].setAttribute("aria-label", selected ? `${label}, selected` : label)
  })
}

function choosing(state) {
  return state.data.choosing || state.selected.size > 0
}

function move(grid, state, index) {
  const target = Math.max(0, Math.min(state.tiles.length - 1, index))
  state.focus = target
  mark(grid, state)
  state.tiles[target]?.focus()
}

function focusAgain(state, names) {
  const index = names.map(name => state.data.keys.indexOf(name)).find(place => place >= 0)
  if (index === undefined) return
  state.focus = index
  const tile = state.tiles[index]
  // Only a focus that nobody has taken: a person may be elsewhere by then.
  const free = () => !document.activeElement || document.activeElement === document.body
  FOCUS_TRIES.forEach(delay => setTimeout(() => { if (free()) tile.focus() }, delay))
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
  const next = [...grid.children].findIndex(cell => cell.offsetTop !== top)
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
  else if (event.key === " " && selectable) pick(grid, state, index, event.shiftKey)
  else if (command && event.key.toLowerCase() === "a" && selectable) {
    keys.forEach(key => state.selected.add(key))
    settle(grid, state)
  } else if (/^[1-9]$/.test(event.key) && !command && !event.altKey && selectable && !choosing(state)) {
    state.pressCount += 1
    state.presses.push([state.pressCount, keys[index], Number(event.key)])
    state.report() // of selected ones the page's own buttons have these keys
  } else known = false
  if (known) {
    event.preventDefault()
    event.stopPropagation()
  }
}
