// Asks the server whether it is there, and shows a notice while it is not.
// Only a refused connection, or a proxy that says so, counts: a slow answer is an answer that is still to come.
const EVERY = 4000 // ms between two questions
const AGAIN = 1500 // ms, after a question that nobody answered
const FAILURES = 2 // in a row, before the notice comes
const PATIENCE = 20000 // ms until a question is given up, without a verdict
const PROXY_ALONE = [502, 503, 504] // a proxy answers, the server behind it does not
const watched = new WeakMap() // a theme or a text that changes calls the function below again: there is one watch

async function answers(address) {
  try {
    const asked = { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout?.(PATIENCE) }
    return !PROXY_ALONE.includes((await fetch(address, asked)).status)
  } catch (error) {
    return error.name === "TimeoutError"
  }
}

// Streamlit's own dialog would lie over the page and says less.
function closeTechnicalDialog() {
  for (const dialog of document.querySelectorAll("[role='dialog']"))
    if (dialog.textContent.startsWith("Connection error")) dialog.querySelector("button[aria-label='Close']")?.click()
}

function show(notice, data) {
  closeTechnicalDialog()
  if (notice.childElementCount) return
  for (const [tag, text] of [["strong", data.title], ["span", data.text]]) {
    const line = document.createElement(tag)
    line.textContent = text
    notice.append(line)
  }
  notice.showPopover?.()
}

function hide(notice) {
  if (!notice.childElementCount) return
  notice.hidePopover?.()
  notice.replaceChildren()
}

function watch(notice, state) {
  let timer = 0
  let failures = 0
  let asking = false

  async function ask() {
    if (asking || document.hidden) return
    clearTimeout(timer)
    asking = true
    const there = await answers(state.data.address)
    asking = false
    if (state.ended) return
    failures = there ? 0 : failures + 1
    if (there) hide(notice)
    else if (failures >= FAILURES) show(notice, state.data)
    timer = setTimeout(ask, failures ? AGAIN : EVERY)
  }

  document.addEventListener("visibilitychange", ask)
  state.end = () => {
    state.ended = true
    clearTimeout(timer)
    document.removeEventListener("visibilitychange", ask)
  }
  ask()
}

export default function ({ parentElement, data }) {
  let state = watched.get(parentElement)
  if (state) state.data = data
  else {
    state = { data }
    watched.set(parentElement, state)
    watch(parentElement.querySelector(".notice"), state)
  }
  return () => {
    state.end()
    watched.delete(parentElement)
  }
}
