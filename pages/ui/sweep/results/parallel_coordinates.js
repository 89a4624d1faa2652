// A line for each trial over one axis a setting. Python says where everything lies (0 to 1) and what it is called; here
// is only where that is on the screen, which line a pointer or a key means, and the report of the one that is opened.
const states = new WeakMap()
const EDGE = { left: 14, right: 58, bottom: 12 } // px around the axes; above them are their titles
const ABOVE = 8 // px between a title and the end of its axis
const LEAST_GAP = 74 // px between two axes; with less room the figure scrolls sideways
const NEAR = { mouse: 10, pen: 14, touch: 22 } // px from a line that a pointer means
const STRENGTHS = [[400, 0.4], [80, 0.65], [0, 0.95]] // how opaque lines are, where there are more than so many

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".parallel")
  const state = states.get(parentElement) ?? begin(root)
  states.set(parentElement, state)
  const focused = state.data?.numbers[state.current]
  state.data = data
  state.report = number => setTriggerValue("opened", { number })
  state.current = data.numbers.indexOf(focused)
  state.rank = data.numbers.map((_, index) => index).sort((a, b) => height(data, b) - height(data, a) || a - b)
  state.order = [...state.rank].reverse().sort((a, b) => (data.shades[a] === null ? 0 : 1) - (data.shades[b] === null ? 0 : 1))
  state.over.setAttribute("aria-label", data.label)
  state.axes.replaceChildren(...data.axes.map(([title]) => element("div", "title", title)))
  tellLegend(state)
  root.ontransitionend = event => event.target === root && fit(state) // another theme
  state.watcher ??= new ResizeObserver(() => fit(state))
  state.watcher.observe(state.frame)
  fit(state)
  return () => {
    state.watcher?.disconnect()
    state.watcher = undefined
  }
}

function begin(root) {
  const state = { root, current: -1 }
  for (const name of ["frame", "stage", "axes", "tip", "legend", "said"]) state[name] = element("div", name)
  state.base = element("canvas", "base")
  state.over = element("canvas", "over")
  state.axes.setAttribute("aria-hidden", "true") // the label, and the table beside it, say the same
  state.base.setAttribute("aria-hidden", "true")
  state.tip.setAttribute("aria-hidden", "true")
  state.said.setAttribute("role", "status")
  state.over.tabIndex = 0
  state.over.setAttribute("role", "application")
  state.over.setAttribute("aria-roledescription", "lines of trials: arrow keys go from the best to the worst, Enter opens a run")
  state.tip.hidden = true
  state.stage.append(state.base, state.over, state.axes, state.tip)
  state.frame.append(state.stage)
  root.replaceChildren(state.frame, state.legend, state.said)
  Object.assign(state.over, {
    onpointermove: event => event.pointerType !== "touch" && point(state, nearest(state, event)),
    onpointerleave: event => event.pointerType !== "touch" && point(state, -1),
    onclick: event => press(state, event),
    onkeydown: event => key(state, event),
    onblur: () => point(state, -1),
  })
  return state
}

function element(tag, className, text = "") {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

// Where a trial lies on the last axis, accuracy.
function height(data, index) {
  return data.axes.at(-1)[2][index]
}

function fit(state) {
  const { frame, stage, data } = state
  const least = EDGE.left + EDGE.right + LEAST_GAP * (data.axes.length - 1)
  const width = Math.max(frame.clientWidth, least)
  if (!frame.clientWidth) return
  stage.style.width = `${width}px`
  stage.style.height = data.height
  state.size = [width, stage.clientHeight]
  placeTitles(state)
  state.ratio = devicePixelRatio || 1
  const style = getComputedStyle(state.root)
  state.colours = { page: style.backgroundColor, text: style.color, border: style.borderTopColor, primary: style.outlineColor }
  state.font = style.fontFamily
  for (const canvas of [state.base, state.over]) {
    canvas.width = Math.round(width * state.ratio)
    canvas.height = Math.round(state.size[1] * state.ratio)
  }
  drawBase(state)
  drawOver(state)
}

// The titles, each as wide as there is room for; the axes begin below the highest of them.
function placeTitles(state) {
  const width = state.size[0]
  const titles = [...state.axes.children]
  titles.forEach((title, axis) => {
    const gap = Math.min(150, spacing(state) - 8)
    title.style.width = `${gap}px`
    const left = column(state, axis) - gap / 2
    title.style.left = `${Math.max(0, Math.min(width - gap, left))}px`
    title.style.textAlign = left < 0 ? "left" : left + gap > width ? "right" : "center"
  })
  const highest = Math.max(...titles.map(title => title.offsetHeight))
  titles.forEach(title => { title.style.top = `${highest - title.offsetHeight}px` })
  state.top = highest + ABOVE
}

function spacing({ data, size }) {
  return (size[0] - EDGE.left - EDGE.right) / Math.max(1, data.axes.length - 1)
}

function column(state, axis) {
  return EDGE.left + axis * spacing(state)
}

function row({ size, top }, share) {
  return top + (1 - share) * (size[1] - top - EDGE.bottom)
}

function pen(state, canvas) {
  const made = canvas.getContext("2d")
  made.setTransform(1, 0, 0, 1, 0, 0)
  made.clearRect(0, 0, canvas.width, canvas.height)
  made.setTransform(state.ratio, 0, 0, state.ratio, 0, 0)
  return made
}

function drawBase(state) {
  const { data } = state
  const [, strength] = STRENGTHS.find(([more]) => data.numbers.length > more) ?? STRENGTHS.at(-1)
  const draw = pen(state, state.base)
  for (const index of state.order) {
    if (data.shades[index] === null) trace(state, draw, index, 1.6, Math.min(strength, 0.55))
    else if (index === state.order.at(-1)) trace(state, draw, index, 3, 1) // the best
    else trace(state, draw, index, 1.6, strength)
  }
  drawAxes(state, draw)
  state.root.dataset.drawn = String(data.numbers.length) // what a measurement waits for
}

function trace(state, draw, index, width, strength, halo) {
  const { data } = state
  const path = new Path2D()
  data.axes.forEach(([, , places], axis) => path[axis ? "lineTo" : "moveTo"](column(state, axis), row(state, places[index])))
  draw.lineJoin = "round"
  if (halo) {
    draw.setLineDash([])
    draw.strokeStyle = halo
    draw.lineWidth = width + 4
    draw.stroke(path)
  }
  draw.setLineDash(data.shades[index] === null ? [5, 4] : [])
  draw.globalAlpha = strength
  draw.strokeStyle = colour(data, data.shades[index])
  draw.lineWidth = width
  draw.stroke(path)
  draw.globalAlpha = 1
  draw.setLineDash([])
}

function colour({ ramp, grey }, shade) {
  if (shade === null) return grey
  const at = shade * (ramp.length - 1)
  const low = Math.min(ramp.length - 2, Math.floor(at))
  const channel = (text, part) => parseInt(text.slice(1 + 2 * part, 3 + 2 * part), 16)
  const mixed = [0, 1, 2].map(part => Math.round(channel(ramp[low], part) + (at - low) * (channel(ramp[low + 1], part) - channel(ramp[low], part))))
  return `rgb(${mixed.join(",")})`
}

function drawAxes(state, draw) {
  const { data, colours, size } = state
  draw.textBaseline = "middle"
  draw.lineJoin = "round"
  data.axes.forEach(([, ticks], axis) => {
    const at = column(state, axis)
    draw.strokeStyle = colours.text
    draw.lineWidth = 1
    draw.globalAlpha = 0.75
    draw.beginPath()
    draw.moveTo(at, state.top - 4)
    draw.lineTo(at, size[1] - EDGE.bottom + 4)
    draw.stroke()
    draw.globalAlpha = 1
    draw.font = `12px ${state.font}`
    const room = (axis === data.axes.length - 1 ? EDGE.right : spacing(state)) - 12
    for (const [place, text] of ticks) {
      const y = row(state, place)
      draw.fillStyle = colours.text
      draw.fillRect(at - 3, y - 0.5, 6, 1)
      draw.strokeStyle = colours.page
      draw.lineWidth = 4
      const shown = cut(draw, text, room)
      draw.strokeText(shown, at + 7, y)
      draw.fillText(shown, at + 7, y)
    }
  })
}

function cut(draw, text, room) {
  if (draw.measureText(text).width <= room) return text
  let kept = text
  while (kept.length > 1 && draw.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1)
  return `${kept}…`
}

function drawOver(state) {
  const draw = pen(state, state.over)
  state.root.classList.toggle("one", state.current >= 0)
  state.base.style.opacity = state.current >= 0 ? "0.35" : "1"
  if (state.current < 0) return
  trace(state, draw, state.current, 3, 1, state.colours.page)
  drawAxes(state, draw)
}

// The line under a pointer: of those that pass near, the nearest in height, at the pointer's place between two axes.
function nearest(state, event) {
  const box = state.over.getBoundingClientRect()
  const [x, y] = [event.clientX - box.left, event.clientY - box.top]
  const { axes } = state.data
  const along = (x - EDGE.left) / spacing(state)
  const left = Math.max(0, Math.min(axes.length - 2, Math.floor(along)))
  const part = Math.max(0, Math.min(1, along - left))
  let [found, least] = [-1, NEAR[event.pointerType] ?? NEAR.mouse]
  for (const index of state.rank) { // of lines that lie on each other, the best
    const [a, b] = [row(state, axes[left][2][index]), row(state, axes[left + 1][2][index])]
    const steep = Math.hypot(1, (b - a) / spacing(state)) // the distance to the line itself, not upright
    const distance = Math.abs(a + part * (b - a) - y) / steep
    if (distance < least) [found, least] = [index, distance]
  }
  return Math.abs(along - left - part) * spacing(state) > NEAR.mouse ? -1 : found
}

function point(state, index) {
  if (index === state.current) return
  state.current = index
  state.over.style.cursor = index >= 0 && state.data.runs[index] ? "pointer" : ""
  state.tip.hidden = index < 0
  if (index >= 0) tell(state, index)
  drawOver(state)
}

function tell(state, index) {
  const { data, tip, size } = state
  const lines = data.axes.map(([title, , , words]) => [title, words[index]])
  tip.replaceChildren(
    element("div", "name", data.names[index]),
    ...lines.map(([title, words]) => {
      const made = element("div", "value")
      made.append(element("span", "", title), element("span", "", words))
      return made
    }),
    element("div", "way", data.runs[index] ? "A click opens its run" : "Its run was deleted; its values stay"),
  )
  const last = data.axes.at(-1)[2][index]
  tip.style.left = `${Math.max(4, size[0] - EDGE.right - tip.offsetWidth - 12)}px`
  tip.style.top = `${Math.max(4, Math.min(size[1] - tip.offsetHeight - 4, row(state, last) < size[1] / 2 ? size[1] - tip.offsetHeight - 16 : state.top))}px`
}

function press(state, event) {
  const found = nearest(state, event)
  const again = found === state.current
  point(state, found)
  if (found >= 0 && (event.pointerType !== "touch" || again)) open(state) // a finger shows it first
}

function open(state) {
  if (state.current >= 0 && state.data.runs[state.current]) state.report(state.data.numbers[state.current])
}

function key(state, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const { rank } = state
  const at = rank.indexOf(state.current)
  const targets = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: rank.length - 1 }
  if (event.key in targets) {
    const index = rank[Math.max(0, Math.min(rank.length - 1, targets[event.key]))]
    if (index === undefined) return
    point(state, index)
    const { data } = state
    state.said.textContent = [data.names[index], ...data.axes.map(([title, , , words]) => `${title} ${words[index]}`)].join(", ")
  } else if (event.key === "Enter" || event.key === " ") open(state)
  else if (event.key === "Escape" && state.current >= 0) point(state, -1)
  else return
  event.preventDefault()
  event.stopPropagation()
}

function tellLegend(state) {
  const { data, legend } = state
  const bar = element("span", "bar")
  bar.style.background = data.ends[0] === data.ends[1] ? data.ramp.at(-1) : `linear-gradient(to right, ${data.ramp.join(", ")})`
  const dashes = element("span", "dashes")
  dashes.style.borderColor = data.grey
  const [low, high] = data.ends
  const from = low === high ? [] : [element("span", "", low)]
  const scale = high ? [element("span", "heading", data.axes.at(-1)[0]), ...from, bar, element("span", "", high)] : []
  const others = data.shades.some(shade => shade === null) ? [dashes, element("span", "", "not finished: pruned, failed, stopped, waiting or running")] : []
  legend.replaceChildren(...scale, ...others)
}
