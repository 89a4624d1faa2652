// Keeps strokes as numbers, paints them, and sends the PNG once the pen has rested. The strokes are also in the tab's
// storage, so that the drawing is there again after another entrance or page was looked at.
const states = new WeakMap()
const STORE = "own_drawing"
const MOST = 1_000_000 // characters of stored strokes
const REST = 400 // ms after a stroke: quick strokes are sent together
const COLOURS = [
  ["black", "#1b1b1b"], ["grey", "#8c8c8c"], ["white", "#ffffff"], ["brown", "#7a4a21"], ["red", "#d62f2f"],
  ["orange", "#f08a24"], ["yellow", "#f7d33c"], ["green", "#3f9b45"], ["light blue", "#8fc7f2"], ["blue", "#2460c8"],
]
const BRUSHES = [["thin brush", 5], ["middle brush", 14], ["thick brush", 40]]

export default function ({ parentElement, data, setTriggerValue }) {
  const find = name => parentElement.querySelector(name)
  const canvas = find("canvas")
  const state = states.get(parentElement) ?? { ...restored(), colour: COLOURS[0][1], brush: BRUSHES[1][1], timer: 0 }
  const isNew = !states.has(parentElement)
  states.set(parentElement, state)

  const changed = () => {
    paint(canvas, state.strokes)
    find(".undo").disabled = !state.strokes.length && !state.cleared
    find(".clear").disabled = !state.strokes.length
    state.sentTo = null
    store(state)
    rest()
  }
  const rest = () => {
    clearTimeout(state.timer)
    state.timer = setTimeout(() => {
      const content = state.strokes.length ? canvas.toDataURL("image/png").split(",")[1] : ""
      state.sentTo = data.session
      store(state)
      setTriggerValue("drawn", { id: state.id, content })
    }, REST)
  }

  listen(canvas, state, changed)
  find(".undo").onclick = () => {
    if (state.strokes.length) state.strokes.pop()
    else if (state.cleared) Object.assign(state, state.cleared, { cleared: null })
    changed()
  }
  find(".clear").onclick = () => {  // the next stroke begins another drawing; the answer to this one stays
    state.cleared = { id: state.id, strokes: state.strokes }
    Object.assign(state, { id: newId(), strokes: [] })
    clearTimeout(state.timer)
    changed()
  }
  find(".drawing").onkeydown = event => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") find(".undo").click()
  }
  if (isNew) {
    choices(find(".colours"), COLOURS, () => state.colour, value => { state.colour = value }, colourDot)
    choices(find(".brushes"), BRUSHES, () => state.brush, value => { state.brush = value }, brushDot)
    paint(canvas, state.strokes)
    find(".undo").disabled = find(".clear").disabled = !state.strokes.length
  }
  if (state.sentTo !== data.session && !state.stroke && (state.strokes.length || state.sentTo === null)) rest()
  return () => clearTimeout(state.timer)
}

function listen(canvas, state, changed) {
  const place = event => {
    const box = canvas.getBoundingClientRect()
    const scale = canvas.width / box.width
    return [Math.round((event.clientX - box.left) * scale), Math.round((event.clientY - box.top) * scale)]
  }
  canvas.onpointerdown = event => {
    if (event.button !== 0 || state.stroke) return
    canvas.setPointerCapture(event.pointerId)
    clearTimeout(state.timer)
    state.pointer = event.pointerId
    state.stroke = { colour: state.colour, brush: state.brush, points: [place(event)] }
    state.strokes.push(state.stroke)
    paint(canvas, state.strokes)
  }
  canvas.onpointermove = event => {
    if (!state.stroke || event.pointerId !== state.pointer) return
    const steps = event.getCoalescedEvents?.() ?? []
    state.stroke.points.push(...(steps.length ? steps : [event]).map(place))
    paint(canvas, state.strokes)
  }
  canvas.onpointerup = canvas.onpointercancel = event => {
    if (!state.stroke || event.pointerId !== state.pointer) return
    state.stroke = null
    changed()
  }
}

function paint(canvas, strokes) {
  const pen = canvas.getContext("2d")
  pen.fillStyle = "#ffffff"
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.lineCap = pen.lineJoin = "round"
  for (const { colour, brush, points } of strokes) {
    pen.fillStyle = pen.strokeStyle = colour
    pen.lineWidth = brush
    pen.beginPath()
    pen.arc(...points[0], brush / 2, 0, 2 * Math.PI) // a tap: a line without length draws nothing
    pen.fill()
    pen.beginPath()
    pen.moveTo(...points[0])
    points.forEach(point => pen.lineTo(...point))
    pen.stroke()
  }
}

function choices(row, options, chosen, choose, dot) {
  const mark = () => {
    ;[...row.children].forEach((button, n) => button.setAttribute("aria-pressed", String(options[n][1] === chosen())))
  }
  row.replaceChildren(...options.map(([name, value]) => {
    const button = document.createElement("button")
    button.type = "button"
    button.className = "choice"
    button.title = name
    button.setAttribute("aria-label", name)
    button.append(dot(value))
    button.onclick = () => { choose(value); mark() }
    return button
  }))
  mark()
}

function colourDot(colour) {
  const dot = document.createElement("span")
  dot.className = "dot colour"
  dot.style.background = colour
  return dot
}

function brushDot(size) {
  const dot = document.createElement("span")
  dot.className = "dot"
  dot.style.width = dot.style.height = `${6 + size / 3}px`
  return dot
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(2)), part => part.toString(36)).join("")
}

function restored() {
  try {
    const { id, strokes, sentTo } = JSON.parse(sessionStorage.getItem(STORE))
    return { id, strokes, sentTo }
  } catch { // nothing stored, or no storage in this browser
    return { id: newId(), strokes: [], sentTo: "" }
  }
}

function store({ id, strokes, sentTo }) {
  const text = JSON.stringify({ id, strokes, sentTo })
  try {
    if (text.length <= MOST) sessionStorage.setItem(STORE, text)
  } catch { // no room, or no storage: the drawing is still on the canvas
  }
}
