// Keeps a list of texts in the browser's own storage, under one name. Until Python has heard what is kept there
// (`heard`), nothing is written, so that an empty session never undoes what an earlier one has kept.
const told = new WeakMap()
const PREFIX = "cifar_core."

export default function ({ parentElement, data, setTriggerValue }) {
  const name = PREFIX + data.name
  if (data.heard) {
    told.delete(parentElement) // another session may ask, when the server was started again
    write(name, data.items)
  } else if (told.get(parentElement) !== name) {
    told.set(parentElement, name)
    setTriggerValue("heard", { items: read(name), name: data.name })
  }
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "[]")
  } catch {
    return [] // no storage in this window, or something else was written there
  }
}

function write(name, items) {
  try {
    if (!items.length) return localStorage.removeItem(name)
    const text = JSON.stringify(items)
    try {
      localStorage.setItem(name, text)
    } catch {
      // Full: what other runs keep makes room.
      Object.keys(localStorage).filter(key => key.startsWith(PREFIX)).forEach(key => localStorage.removeItem(key))
      localStorage.setItem(name, text)
    }
  } catch {
    // A window without storage, or one too small for this: losing it is harmless.
  }
}
