// Sends the pictures of a paste as base64. It hears every paste on the page, except into a text field; `turn` counts
// what Python has taken, so that the line "Sending" goes away.
const listeners = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  const button = parentElement.querySelector("button")
  const status = parentElement.querySelector(".status")
  const say = text => { status.textContent = text }

  const send = async files => {
    if (!files.length) return say("There is no picture on the clipboard.")
    const size = files.reduce((sum, file) => sum + file.size, 0)
    if (size > data.limit) return say(`That is too large: ${data.limitText} can be pasted at a time. Paste less, or make it smaller.`)
    if (files.length > data.most) return say(`That are ${files.length} files: ${data.most} can be pasted at a time.`)
    say("Sending…")
    const contents = await Promise.all(files.map(base64))
    setTriggerValue("pasted", { files: files.map((file, n) => ({ name: file.name ?? "", content: contents[n] })) })
  }

  const paste = event => {
    if (event.composedPath()[0]?.closest?.("input, textarea, [contenteditable]")) return
    event.preventDefault()
    send([...(event.clipboardData?.files ?? [])])
  }

  document.removeEventListener("paste", listeners.get(parentElement))
  document.addEventListener("paste", paste)
  listeners.set(parentElement, paste)
  button.hidden = !navigator.clipboard?.read
  button.onclick = async () => {
    try {
      send(await readClipboard())
    } catch {
      say("The browser did not let this page read the clipboard: press Ctrl+V instead.")
    }
  }
  say("")
  return () => document.removeEventListener("paste", listeners.get(parentElement))
}

async function readClipboard() {
  const files = []
  for (const item of await navigator.clipboard.read()) {
    const type = item.types.find(name => name.startsWith("image/"))
    if (type) files.push(await item.getType(type))
  }
  return files
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
}
