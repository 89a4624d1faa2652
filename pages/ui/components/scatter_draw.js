// What the scatter map draws, apart from what a person does with it (scatter_map.js, with which this is one module).
const EDGE = { left: 54, right: 12, top: 10, bottom: 42 } // px around the points: for the numbers and titles of the axes
const MOST_TICKS = 6
const PALE = 0.14 // of a point that is not selected, where others are

// The base layer: points as pixels of one image, since 50,000 drawing commands would take ten times as long.
function drawBase(state) {
  const { canvas, pen, ratio, plot, view, arrays, colours } = state
  const image = plotImage(state)
  const pixels = image.data
  new Uint32Array(pixels.buffer).fill(packed(colours.background))
  const ticks = state.data.axes.map((_, side) => niceTicks(view[2 * side], view[2 * side + 1]))
  ticks[0].places.forEach(at => line(image, Math.round(toScreen(state, 0, at) * ratio), 0, colours.grid, false))
  ticks[1].places.forEach(at => line(image, 0, Math.round(toScreen(state, 1, at) * ratio), colours.grid, true))
  const kernel = disc(state.radius * ratio)
  if (arrays && state.anySelected) {
    stampAll(state, image, kernel, PALE, index => !state.selected[index])
    stampAll(state, image, disc((state.radius + 0.6) * ratio), 0.95, index => state.selected[index])
  } else if (arrays) stampAll(state, image, kernel, state.strength, () => true)
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.clearRect(0, 0, canvas.width, canvas.height)
  pen.putImageData(image, Math.round(EDGE.left * ratio), Math.round(EDGE.top * ratio))
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  drawAxes(state, ticks)
  drawRegions(state)
  if (arrays) state.data.marked.forEach(index => state.visible[index] && ring(state, pen, index, 2))
  state.root.dataset.drawn = String(++state.drawn) // what a measurement counts
}

function plotImage(state) {
  const [width, height] = [Math.round(state.plot.width * state.ratio), Math.round(state.plot.height * state.ratio)]
  if (state.image?.width !== width || state.image?.height !== height) state.image = new ImageData(width, height)
  return state.image
}

function stampAll(state, image, kernel, strength, wanted) {
  const { arrays, view, visible, rgb } = state
  const { x, y, codes } = arrays
  const { data, width, height } = image
  const [scaleX, scaleY] = [width / (view[1] - view[0]), height / (view[3] - view[2])]
  const reach = kernel.reach
  for (let index = 0; index < x.length; index += 1) {
    const column = Math.round((x[index] - view[0]) * scaleX)
    const row = Math.round((view[3] - y[index]) * scaleY)
    // A NaN is in no range.
    if (!(column >= -reach && column < width + reach && row >= -reach && row < height + reach)) continue
    if (!visible[index] || !wanted(index)) continue
    const colour = 3 * codes[index]
    for (let part = 0; part < kernel.alpha.length; part += 1) {
      const [px, py] = [column + kernel.dx[part], row + kernel.dy[part]]
      if (px < 0 || px >= width || py < 0 || py >= height) continue
      const at = 4 * (py * width + px)
      const alpha = kernel.alpha[part] * strength
      data[at] += (rgb[colour] - data[at]) * alpha
      data[at + 1] += (rgb[colour + 1] - data[at + 1]) * alpha
      data[at + 2] += (rgb[colour + 2] - data[at + 2]) * alpha
    }
  }
}

function disc(radius) {
  const reach = Math.ceil(radius)
  const made = { reach, dx: [], dy: [], alpha: [] }
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const alpha = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy)))
      if (!alpha) continue
      made.dx.push(dx)
      made.dy.push(dy)
      made.alpha.push(alpha)
    }
  }
  return made
}

function line(image, column, row, [red, green, blue], across) {
  const { data, width, height } = image
  if (across ? row < 0 || row >= height : column < 0 || column >= width) return
  for (let step = 0; step < (across ? width : height); step += 1) {
    const at = 4 * (across ? row * width + step : step * width + column)
    data[at] = red
    data[at + 1] = green
    data[at + 2] = blue
  }
}

function drawAxes(state, ticks) {
  const { pen, plot, data, colours } = state
  const [right, bottom] = [EDGE.left + plot.width, EDGE.top + plot.height]
  pen.fillStyle = colours.text
  pen.strokeStyle = colours.border
  pen.strokeRect(EDGE.left + 0.5, EDGE.top + 0.5, plot.width - 1, plot.height - 1)
  pen.font = `12px ${state.font}`
  pen.textAlign = "center"
  pen.textBaseline = "top"
  ticks[0].places.forEach((at, tick) => pen.fillText(ticks[0].texts[tick], EDGE.left + toScreen(state, 0, at), bottom + 6))
  pen.textAlign = "right"
  pen.textBaseline = "middle"
  ticks[1].places.forEach((at, tick) => pen.fillText(ticks[1].texts[tick], EDGE.left - 7, EDGE.top + toScreen(state, 1, at)))
  pen.font = `600 12px ${state.font}`
  pen.textAlign = "center"
  pen.textBaseline = "bottom"
  pen.fillText(data.axes[0][0], (EDGE.left + right) / 2, bottom + EDGE.bottom - 4, plot.width)
  pen.save()
  pen.translate(13, (EDGE.top + bottom) / 2)
  pen.rotate(-Math.PI / 2)
  pen.textBaseline = "middle"
  pen.fillText(data.axes[1][0], 0, 0, plot.height)
  pen.restore()
}

function drawRegions(state) {
  const { pen, plot, data, colours } = state
  pen.save()
  pen.beginPath()
  pen.rect(EDGE.left, EDGE.top, plot.width, plot.height)
  pen.clip()
  pen.font = `600 13px ${state.font}`
  pen.textAlign = "center"
  pen.textBaseline = "middle"
  pen.lineJoin = "round"
  for (const [x, y, text] of data.regions) {
    const [column, row] = [EDGE.left + toScreen(state, 0, x), EDGE.top + toScreen(state, 1, y)]
    pen.lineWidth = 4
    pen.strokeStyle = colours.page
    pen.strokeText(text, column, row)
    pen.fillText(text, column, row)
  }
  pen.restore()
}

// The layer above: the lasso, and a ring around the point under the pointer.
function drawOver(state) {
  const { over, overPen: pen, ratio, colours } = state
  pen.setTransform(1, 0, 0, 1, 0, 0)
  pen.clearRect(0, 0, over.width, over.height)
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  if (state.hovered >= 0) ring(state, pen, state.hovered, 3)
  if (state.lasso.length > 1) {
    pen.beginPath()
    state.lasso.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)))
    pen.closePath()
    pen.globalAlpha = 0.14
    pen.fillStyle = colours.primary
    pen.fill("evenodd")
    pen.globalAlpha = 1
    pen.lineWidth = 2
    pen.strokeStyle = colours.primary
    pen.stroke()
  }
}

function ring(state, pen, index, width) {
  const [x, y] = place(state, index)
  if (!(x >= 0 && x <= state.plot.width && y >= 0 && y <= state.plot.height)) return
  for (const [colour, extra] of [[state.colours.page, 2], [state.colours.text, 0]]) {
    pen.beginPath()
    pen.arc(EDGE.left + x, EDGE.top + y, state.radius + 3.5, 0, 2 * Math.PI)
    pen.lineWidth = width + extra
    pen.strokeStyle = colour
    pen.stroke()
  }
  pen.lineWidth = 1
}

// The legend in words, with how many points of each kind there are and are selected; returns how many in all.
function tellLegend(state) {
  const { data, arrays, selected, visible, anySelected, legend } = state
  const [all, chosen] = [new Uint32Array(256), new Uint32Array(256)]
  let [whole, count] = [0, 0]
  for (let index = 0; index < visible.length; index += 1) {
    if (!visible[index]) continue
    whole += 1
    all[arrays.codes[index]] += 1
    if (!selected[index]) continue
    count += 1
    chosen[arrays.codes[index]] += 1
  }
  const of = (some, each) => (anySelected ? `${some.toLocaleString("en")} / ${each.toLocaleString("en")}` : each.toLocaleString("en"))
  const entry = (name, background, counts) => {
    const made = element("span", "entry")
    const swatch = element("span", "swatch")
    swatch.style.background = background
    made.append(swatch, element("span", "", name), element("span", "count", counts))
    return made
  }
  const title = element("span", "title", data.colours)
  const scale = element("span", "entry")
  const bar = element("span", "bar")
  bar.style.background = `linear-gradient(to right, ${data.palette.slice(0, -1).join(", ")})`
  scale.append(element("span", "", data.ends[0]), bar, element("span", "", data.ends[1]), element("span", "count", of(count, whole)))
  const entries = data.categories.map((name, code) => entry(name, data.palette[code], of(chosen[code], all[code])))
  legend.replaceChildren(title, ...(data.categories.length ? entries.filter((_, code) => all[code]) : [scale]))
  state.clear.disabled = !anySelected
  state.over.setAttribute("aria-label", `${data.label} ${of(count, whole)} points${anySelected ? " selected" : ""}.`)
  return count
}

function toScreen(state, side, value) {
  const [low, high] = [state.view[2 * side], state.view[2 * side + 1]]
  const share = (value - low) / (high - low)
  return side ? (1 - share) * state.plot.height : share * state.plot.width
}

function place(state, index) {
  return [toScreen(state, 0, state.arrays.x[index]), toScreen(state, 1, state.arrays.y[index])]
}

function niceTicks(low, high) {
  const rough = (high - low) / MOST_TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * power).find(each => each >= rough)
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const places = []
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at += 1) places.push(at * step)
  return { places, texts: places.map(at => (Math.abs(at) < step / 2 ? 0 : at).toFixed(digits).replace("-", "−")) }
}

function packed([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
}

function numbersOf(colour) {
  return colour.startsWith("#")
    ? [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
    : colour.match(/[\d.]+/g).slice(0, 3).map(Number)
}

function themeColours(root) {
  const style = getComputedStyle(root)
  const [background, text] = [numbersOf(style.backgroundColor), numbersOf(style.color)]
  return {
    background,
    page: style.backgroundColor,
    text: style.color,
    grid: background.map((value, at) => value + (text[at] - value) * 0.09),
    border: style.borderTopColor,
    primary: style.outlineColor,
  }
}
