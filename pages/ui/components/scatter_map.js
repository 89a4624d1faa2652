// What a person does with the map: the view (which part is seen) is kept here alone, the selection in Python too. `turn`
// counts the reports of this file, and an answer to an older report never undoes a newer selection.
const states = new WeakMap()
const CLICK = 4 // px that a pointer may move and still click
const NEAR = { mouse: 8, pen: 12, touch: 18 } // px from a point that a pointer means
const STEP = 0.15 // of the view, by an arrow key
const ZOOM = 1.4 // by a key or button
const DEEPEST = 400 // times the whole
const HINT_TIME = 1800 // ms

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".scatter")
  const state = states.get(parentElement) ?? begin(root)
  states.set(parentElement, state)
  state.report = report => setTriggerValue("acted", { ...report, names: state.data.names, turn: state.turn })
  const before = state.data
  state.data = data
  const scene = JSON.stringify([data.x, data.y, data.axes])
  if (scene !== state.scene) state.view = wholeView(data)
  state.scene = scene
  if (before && before.names !== data.names) state.turn = data.turn
  state.stage.style.height = data.height
  state.over.setAttribute("aria-label", data.label)
  state.refit = () => fit(state)
  root.ontransitionend = event => event.target === root && fit(state) // another theme
  state.watcher ??= new ResizeObserver(state.refit)
  state.watcher.observe(state.stage)
  state.arrived = () => takeArrays(state)
  addEventListener("cifar-arrays", state.arrived)
  takeArrays(state)
  fit(state)
  return () => {
    state.watcher?.disconnect()
    state.watcher = undefined
    removeEventListener("cifar-arrays", state.arrived)
  }
}

function begin(root) {
  const state = {
    root, turn: 0, drawn: 0, mode: "lasso", lasso: [], hovered: -1, pointers: new Map(), frame: 0, scene: "", anySelected: false,
    plot: { width: 1, height: 1 },
  }
  state.stage = element("div", "stage")
  state.canvas = element("canvas", "base")
  state.over = element("canvas", "over")
  state.tip = element("div", "tip")
  state.legend = element("div", "legend")
  state.said = element("div", "said")
  state.canvas.setAttribute("aria-hidden", "true")
  state.over.tabIndex = 0
  state.over.setAttribute("role", "application")
  state.over.setAttribute("aria-roledescription", "map of points: arrow keys move, plus and minus zoom, Escape clears")
  state.tip.setAttribute("aria-hidden", "true")
  state.said.setAttribute("role", "status")
  state.tip.hidden = true
  state.stage.append(state.canvas, state.over, state.tip)
  root.replaceChildren(tools(state), state.stage, state.legend, state.said)
  state.pen = state.canvas.getContext("2d", { alpha: true })
  state.overPen = state.over.getContext("2d")
  Object.assign(state.over, {
    onpointerdown: event => press(state, event),
    onpointermove: event => move(state, event),
    onpointerup: event => lift(state, event),
    onpointercancel: event => abandon(state, event),
    onpointerleave: () => hover(state, -1),
    onkeydown: event => key(state, event),
    oncontextmenu: event => state.pointers.size && event.preventDefault(),
  })
  state.over.addEventListener("wheel", event => wheel(state, event), { passive: false })
  return state
}

function tools(state) {
  const bar = element("div", "tools")
  bar.setAttribute("role", "toolbar")
  bar.setAttribute("aria-label", "Map")
  const button = (text, title, act) => {
    const made = element("button", "tool", text)
    made.type = "button"
    made.title = title
    if (text.length < 3) made.setAttribute("aria-label", title)
    made.onclick = act
    return made
  }
  state.modes = {
    lasso: button("Lasso", "Draw around points to select them; Shift adds, Alt takes away", () => setMode(state, "lasso")),
    move: button("Move", "Drag moves the map; with the lasso, hold Ctrl or the middle button", () => setMode(state, "move")),
  }
  state.clear = button("Clear", "Select none (Escape)", () => select(state, new Uint8Array(state.selected.length)))
  bar.append(
    state.modes.lasso, state.modes.move,
    button("+", "Zoom in (+)", () => zoom(state, ZOOM)),
    button("−", "Zoom out (−)", () => zoom(state, 1 / ZOOM)),
    button("Fit", "Show all (0)", () => show(state, wholeView(state.data))),
    state.clear,
  )
  state.clear.disabled = true
  setMode(state, "lasso")
  return bar
}

function setMode(state, mode) {
  state.mode = mode
  state.root.dataset.mode = mode
  for (const [name, button] of Object.entries(state.modes)) button.setAttribute("aria-pressed", String(name === mode))
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function wholeView(data) {
  const pad = 0.02
  return data.axes.flatMap(([, low, high]) => [low - pad * (high - low), high + pad * (high - low)])
}

// The arrays come in elements of their own, perhaps after this one.
function takeArrays(state) {
  const { data } = state
  const found = ["x", "y", "names", "codes"].map(name => window.cifarArrays?.get(data[name])?.values)
  if (!found.every(Boolean)) return
  const [x, y, names, codes] = found
  state.arrays = { x, y, names, codes }
  state.visible = data.shown ? maskOf(data.shown, x.length) : new Uint8Array(x.length).fill(1)
  if (data.turn >= state.turn || state.selected?.length !== x.length) {
    state.turn = Math.max(state.turn, data.turn)
    state.selected = data.selected ? maskOf(data.selected, x.length) : new Uint8Array(x.length)
  }
  state.anySelected = state.selected.some(Boolean)
  state.rgb = new Uint8Array(data.palette.flatMap(numbersOf))
  const many = state.visible.reduce((sum, each) => sum + each, 0)
  state.radius = many > 20000 ? 1.6 : many > 4000 ? 2 : 3
  state.strength = many > 4000 ? 0.72 : 0.85
  if (state.hovered >= x.length) state.hovered = -1
  tellLegend(state)
  redraw(state)
}

function maskOf(text, count) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  return Uint8Array.from({ length: count }, (_, index) => (bytes[index >> 3] >> (7 - (index & 7))) & 1)
}

function bitsOf(mask) {
  const bytes = new Uint8Array(Math.ceil(mask.length / 8))
  mask.forEach((each, index) => { if (each) bytes[index >> 3] |= 1 << (7 - (index & 7)) })
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""))
}

function fit(state) {
  const { canvas, over, stage, root } = state
  const { width, height } = stage.getBoundingClientRect()
  if (!width || !height) return
  state.ratio = devicePixelRatio || 1
  state.plot = { width: Math.max(40, width - EDGE.left - EDGE.right), height: Math.max(40, height - EDGE.top - EDGE.bottom) }
  for (const each of [canvas, over]) {
    each.width = Math.round(width * state.ratio)
    each.height = Math.round(height * state.ratio)
  }
  state.colours = themeColours(root)
  state.font = getComputedStyle(root).fontFamily
  drawBase(state)
  drawOver(state)
}

function redraw(state) {
  state.frame ||= requestAnimationFrame(() => {
    state.frame = 0
    if (state.colours) drawBase(state)
    if (state.colours) drawOver(state)
  })
}

function redrawOver(state) {
  state.overFrame ||= requestAnimationFrame(() => {
    state.overFrame = 0
    drawOver(state)
    state.root.dataset.circled = String(state.lasso.length) // what a measurement waits for
  })
}

function select(state, mask) {
  state.selected = mask
  state.anySelected = mask.some(Boolean)
  state.turn += 1
  const count = tellLegend(state)
  state.said.textContent = count ? `${count.toLocaleString("en")} points selected` : "No point is selected"
  redraw(state)
  state.report({ selected: bitsOf(mask), opened: null })
}

function at(state, event) {
  const box = state.over.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}

function press(state, event) {
  if (event.button === 2 || !state.arrays) return
  state.over.focus({ preventScroll: true })
  state.over.setPointerCapture(event.pointerId)
  state.pointers.set(event.pointerId, at(state, event))
  state.lasso = []
  state.dragged = false
  state.act = state.pointers.size > 1 ? "pinch" : state.mode === "move" || event.button === 1 || event.ctrlKey || event.metaKey ? "move" : "lasso"
  state.start = at(state, event)
  hover(state, -1)
  event.preventDefault()
}

function move(state, event) {
  if (!state.arrays) return
  const now = at(state, event)
  const last = state.pointers.get(event.pointerId)
  if (!last) return event.pointerType === "mouse" ? hover(state, nearest(state, now, NEAR.mouse), now) : undefined
  if (!state.dragged && Math.hypot(now[0] - state.start[0], now[1] - state.start[1]) < CLICK && state.act !== "pinch") return
  if (!state.dragged && state.act === "lasso") state.lasso = [state.start]
  state.dragged = true
  if (state.act === "lasso") {
    for (const each of event.getCoalescedEvents?.() ?? []) state.lasso.push(at(state, each))
    state.lasso.push(now)
    return redrawOver(state)
  }
  const others = [...state.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point)
  if (state.act === "pinch" && others.length) {
    const distance = point => Math.max(20, Math.hypot(point[0] - others[0][0], point[1] - others[0][1]))
    zoom(state, distance(now) / distance(last), others[0])
  } else shift(state, last[0] - now[0], last[1] - now[1])
  state.pointers.set(event.pointerId, now)
}

function lift(state, event) {
  if (!state.pointers.delete(event.pointerId)) return
  const now = at(state, event)
  if (state.act === "pinch") return
  if (!state.dragged) {
    const found = nearest(state, now, NEAR[event.pointerType] ?? NEAR.mouse)
    if (found >= 0) open(state, found)
  } else if (state.act === "lasso") {
    const inside = circled(state, state.lasso)
    if (event.shiftKey) inside.forEach((_, index) => { inside[index] |= state.selected[index] })
    if (event.altKey) inside.forEach((each, index) => { inside[index] = each ? 0 : state.selected[index] })
    select(state, inside)
  }
  state.lasso = []
  drawOver(state)
}

function abandon(state, event) {
  state.pointers.delete(event.pointerId)
  state.lasso = []
  drawOver(state)
}

function open(state, index) {
  state.turn += 1
  state.report({ selected: null, opened: index })
}

function nearest(state, [x, y], reach) {
  let [found, least] = [-1, reach * reach]
  for (let index = 0; index < state.visible.length; index += 1) {
    if (!state.visible[index]) continue
    const [px, py] = place(state, index)
    const distance = (px + EDGE.left - x) ** 2 + (py + EDGE.top - y) ** 2
    if (distance < least) [found, least] = [index, distance]
  }
  return found
}

// Which points are inside of the lasso, by the even-odd rule.
function circled(state, lasso) {
  const mask = new Uint8Array(state.visible.length)
  const path = lasso.map(([x, y]) => [x - EDGE.left, y - EDGE.top])
  const [columns, rows] = [path.map(point => point[0]), path.map(point => point[1])]
  const [left, right, top, bottom] = [Math.min(...columns), Math.max(...columns), Math.min(...rows), Math.max(...rows)]
  for (let index = 0; index < mask.length; index += 1) {
    const [x, y] = place(state, index)
    if (!state.visible[index] || !(x >= left && x <= right && y >= top && y <= bottom)) continue
    let inside = 0
    for (let a = 0, b = path.length - 1; a < path.length; b = a, a += 1) {
      if (rows[a] > y !== rows[b] > y && x < columns[a] + ((y - rows[a]) / (rows[b] - rows[a])) * (columns[b] - columns[a])) inside ^= 1
    }
    mask[index] = inside
  }
  return mask
}

function hover(state, index, near) {
  if (index >= 0) {
    const { x, y, names, codes } = state.arrays
    const kind = state.data.categories[codes[index]]
    const values = [x, y].map((each, side) => `${state.data.axes[side][0]} ${each[index].toFixed(3)}`)
    state.tip.replaceChildren(...[names[index], ...(kind ? [kind] : []), ...values].map(text => element("div", "", text)))
    state.tip.hidden = false
    const room = state.stage.clientWidth - state.tip.offsetWidth - 4
    state.tip.style.left = `${Math.max(4, Math.min(room, near[0] + 14))}px`
    state.tip.style.top = `${Math.max(4, near[1] - state.tip.offsetHeight - 10)}px`
  } else if (!state.hinting) state.tip.hidden = true
  state.over.style.cursor = index >= 0 ? "pointer" : ""
  if (index !== state.hovered) {
    state.hovered = index
    redrawOver(state)
  }
}

function shift(state, columns, rows) {
  const { view, plot } = state
  const [dx, dy] = [(columns / plot.width) * (view[1] - view[0]), (-rows / plot.height) * (view[3] - view[2])]
  show(state, [view[0] + dx, view[1] + dx, view[2] + dy, view[3] + dy])
}

function zoom(state, factor, point) {
  const { view, plot } = state
  const whole = wholeView(state.data)
  const depth = (whole[1] - whole[0]) / (view[1] - view[0])
  const by = Math.max(0.5 / depth, Math.min(DEEPEST / depth, factor))
  const share = point ? [(point[0] - EDGE.left) / plot.width, 1 - (point[1] - EDGE.top) / plot.height] : [0.5, 0.5]
  show(state, [0, 1].flatMap(side => {
    const [low, high] = [view[2 * side], view[2 * side + 1]]
    const fixed = low + share[side] * (high - low)
    return [fixed - (fixed - low) / by, fixed + (high - fixed) / by]
  }))
}

function show(state, view) {
  const whole = wholeView(state.data)
  // The middle of the view stays on the map.
  state.view = [0, 1].flatMap(side => {
    const [low, high] = [view[2 * side], view[2 * side + 1]]
    const middle = (low + high) / 2
    const off = Math.max(whole[2 * side] - middle, Math.min(0, whole[2 * side + 1] - middle))
    return [low + off, high + off]
  })
  redraw(state)
}

function wheel(state, event) {
  if (event.ctrlKey || state.over.matches(":focus")) {
    event.preventDefault()
    return zoom(state, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), at(state, event))
  }
  clearTimeout(state.hinting)
  state.tip.replaceChildren(element("div", "", "Click the map, or hold Ctrl, to zoom with the wheel"))
  state.tip.hidden = false
  Object.assign(state.tip.style, { left: `${EDGE.left + 8}px`, top: `${EDGE.top + 8}px` })
  state.hinting = setTimeout(() => { state.hinting = 0; state.tip.hidden = true }, HINT_TIME)
}

function key(state, event) {
  const { width, height } = state.plot
  const acts = {
    ArrowLeft: () => shift(state, -STEP * width, 0),
    ArrowRight: () => shift(state, STEP * width, 0),
    ArrowUp: () => shift(state, 0, -STEP * height),
    ArrowDown: () => shift(state, 0, STEP * height),
    "+": () => zoom(state, ZOOM),
    "=": () => zoom(state, ZOOM),
    "-": () => zoom(state, 1 / ZOOM),
    0: () => show(state, wholeView(state.data)),
    Escape: () => (state.anySelected ? select(state, new Uint8Array(state.selected.length)) : undefined),
  }
  if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return
  acts[event.key]()
  event.preventDefault()
  event.stopPropagation()
}
