// Draws the cells that Python sends and reports the one that a person chooses. It is marked at once; `turn` counts the
// reports of this file, and an answer to an older report never undoes a newer choice.
const states = new WeakMap()
const ABOVE = 330 // px of the window that the page's head, its controls, the names and the legend take
const LEAST_ROOM = 320 // px for the cells of a low window
const LEAST_NAMES = 74 // px of the names of the rows
const LEAST_CELL = 10 // px of a cell, which a pointer hits; a matrix that is then higher than the window scrolls with the page
const WIDEST = 120 // px of a cell
const NAME_LINE = 13 // px: closer names would overlap
const LEAST_TEXT = 8 // px: smaller numbers are left out
const LINED = 12 // px: smaller cells have no lines between them

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".matrix")
  const state = states.get(parentElement) ?? begin(root)
  states.set(parentElement, state)
  state.data = data
  state.report = report => setTriggerValue("chosen", report)
  const shape = JSON.stringify([data.names, data.axes])
  if (shape !== state.shape) build(state)
  state.shape = shape
  paint(state)
  if (data.turn >= state.turn) {
    state.turn = data.turn
    mark(state, data.chosen)
  }
  fit(state)
  return () => {
    state.watcher.disconnect()
    removeEventListener("resize", state.refit)
    states.delete(parentElement)
  }
}

function begin(root) {
  const state = { root, turn: 0, shape: "", painted: "", cells: [], marked: null, focus: [0, 0], width: 0 }
  state.grid = element("div", "grid")
  state.legend = element("div", "legend")
  state.tip = element("div", "tip")
  state.tip.setAttribute("aria-hidden", "true") // a cell's own label says the same
  state.tip.hidden = true
  root.replaceChildren(state.grid, state.legend, state.tip)
  state.grid.setAttribute("role", "grid")
  const cellAt = event => event.target.closest?.(".cell")
  state.grid.onclick = event => cellAt(event) && choose(state, cellAt(event).place)
  state.grid.onkeydown = event => cellAt(event) && press(state, cellAt(event).place, event)
  state.grid.addEventListener("focusin", event => {
    if (!cellAt(event)) return
    rove(state, cellAt(event).place)
    if (cellAt(event).matches(":focus-visible")) tell(state, cellAt(event))
  })
  const hush = () => { state.tip.hidden = true }
  state.grid.addEventListener("focusout", hush)
  state.grid.onpointerleave = hush
  state.grid.onpointerover = event => {
    const about = event.target.closest?.(".cell, .rowname, .columnname")
    if (event.pointerType === "touch" || !about) hush()
    else tell(state, about)
  }
  state.refit = () => fit(state)
  state.watcher = new ResizeObserver(() => root.clientWidth !== state.width && fit(state))
  state.watcher.observe(root)
  addEventListener("resize", state.refit)
  return state
}

function element(tag, className, text = "", role = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  if (role) made.setAttribute("role", role)
  return made
}

function named(className, name, role) {
  const made = element("div", className, "", role)
  made.append(element("span", "", name))
  made.tip = name
  return made
}

function build(state) {
  const { names, axes } = state.data
  const head = element("div", "row", "", "row")
  const corner = element("div", "corner", "", "columnheader")
  corner.append(element("span", "", `${axes[1]} →`), element("span", "", `${axes[0]} ↓`))
  head.append(corner, ...names.map(name => named("columnname", name, "columnheader")))
  state.cells = names.map((_, row) => names.map((_, column) => {
    const cell = element("div", "cell", "", "gridcell")
    cell.place = [row, column]
    cell.tabIndex = -1
    return cell
  }))
  const rows = state.cells.map((cells, row) => {
    const made = element("div", "row", "", "row")
    made.append(named("rowname", names[row], "rowheader"), ...cells)
    return made
  })
  state.grid.replaceChildren(head, ...rows)
  state.names = [...state.grid.querySelectorAll(".rowname"), ...state.grid.querySelectorAll(".columnname")]
  state.marked = null
  state.painted = ""
  rove(state, state.focus.map(index => Math.min(index, names.length - 1)))
}

function paint(state) {
  const { names, axes, texts, details, shades, palettes, scales, top, label } = state.data
  const light = getComputedStyle(state.root).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => +a + +b) > 382
  const palette = palettes[light ? "light" : "dark"]
  const wanted = JSON.stringify([light, texts, details, shades, scales, top])
  if (wanted === state.painted) return
  state.painted = wanted
  state.grid.setAttribute("aria-label", label)
  state.cells.forEach((cells, row) => cells.forEach((cell, column) => {
    const [background, text] = palette[shades[row][column]]
    const [count] = details[row][column].split("\n")
    cell.style.background = background
    cell.style.color = text
    cell.textContent = texts[row][column]
    cell.tip = `${axes[0]} ${names[row]}, ${axes[1]} ${names[column]}\n${details[row][column]}`
    cell.setAttribute("aria-label", `${axes[0]} ${names[row]}, ${axes[1]} ${names[column]}, ${count}`)
  }))
  state.legend.replaceChildren(...(top ? scales : []).map(([title, first, last]) => {
    const made = element("div", "scale")
    const bar = element("div", "bar")
    bar.style.background = `linear-gradient(to right, transparent, ${palette[first][0]} 2%, ${palette[last][0]})`
    made.append(element("span", "", `${title}: 0`), bar, element("span", "", top))
    return made
  }))
}

function fit(state) {
  const { root, grid, data } = state
  state.width = root.clientWidth
  const pen = (state.canvas ??= document.createElement("canvas")).getContext("2d")
  pen.font = `12px ${getComputedStyle(root).fontFamily}`
  const longest = Math.max(...data.names.map(name => pen.measureText(name).width))
  const names = Math.ceil(Math.max(LEAST_NAMES, Math.min(longest + 10, state.width / 4, 170)))
  const count = data.names.length
  const room = Math.max(LEAST_ROOM, innerHeight - ABOVE, LEAST_CELL * count)
  const cell = Math.max(2, Math.min(WIDEST, (state.width - names - 8) / count, room / count))
  const upright = longest > cell - 6
  const characters = Math.max(1, ...data.texts.flat().map(text => text.length))
  const size = Math.min(14, cell / 2, (cell - 4) / (0.6 * characters))
  root.style.setProperty("--names", `${names}px`)
  root.style.setProperty("--cell", `${cell}px`)
  root.style.setProperty("--head", `${upright ? Math.max(44, Math.min(longest + 12, 96)) : 36}px`)
  root.style.setProperty("--text", size < LEAST_TEXT ? "0" : `${size}px`)
  grid.classList.toggle("upright", upright)
  grid.classList.toggle("lined", cell >= LINED)
  const step = Math.ceil(NAME_LINE / cell)
  state.names.forEach((name, index) => name.classList.toggle("skipped", (index % count) % step > 0))
}

function tell(state, about) {
  const { root, tip } = state
  tip.replaceChildren(...about.tip.split("\n").map(line => element("div", "", line)))
  tip.hidden = false
  const [frame, box] = [root.getBoundingClientRect(), about.getBoundingClientRect()]
  const left = box.left - frame.left + box.width / 2 - tip.offsetWidth / 2
  const above = box.top - frame.top - tip.offsetHeight - 8
  tip.style.left = `${Math.max(0, Math.min(left, frame.width - tip.offsetWidth))}px`
  tip.style.top = `${above >= 0 ? above : box.bottom - frame.top + 8}px`
}

function mark(state, place) {
  state.marked?.removeAttribute("aria-selected")
  state.marked = place ? state.cells[place[0]][place[1]] : null
  state.marked?.setAttribute("aria-selected", "true")
}

function rove(state, place) {
  const [row, column] = state.focus
  if (state.cells[row]?.[column]) state.cells[row][column].tabIndex = -1
  state.focus = place
  state.cells[place[0]][place[1]].tabIndex = 0
}

function choose(state, place) {
  state.turn += 1
  rove(state, place)
  mark(state, place)
  state.report({ classes: place.map(index => state.data.names[index]), row: place[0], column: place[1], turn: state.turn })
}

function press(state, [row, column], event) {
  const last = state.cells.length - 1
  const command = event.ctrlKey || event.metaKey
  const targets = {
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    Home: [command ? 0 : row, 0],
    End: [command ? last : row, last],
    PageUp: [0, column],
    PageDown: [last, column],
  }
  if (event.altKey) return
  if (event.key in targets) {
    const [toRow, toColumn] = targets[event.key]
    state.cells[toRow]?.[toColumn]?.focus()
  } else if (event.key === "Enter" || event.key === " ") choose(state, [row, column])
  else if (event.key === "Escape" && !state.tip.hidden) state.tip.hidden = true
  else return
  event.preventDefault()
  event.stopPropagation()
}
