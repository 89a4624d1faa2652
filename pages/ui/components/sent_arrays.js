// Keeps the arrays that Python sends on a shelf of this window, under their digests, while their elements are there.
const shelf = (window.cifarArrays ??= new Map())
const held = new WeakMap() // element -> the digest that it holds
const TYPES = { float32: Float32Array, uint8: Uint8Array }

export default function ({ parentElement, data }) {
  const end = data.indexOf(10)
  const [digest, kind] = new TextDecoder().decode(data.subarray(0, end)).split(" ")
  if (held.get(parentElement) !== digest) {
    const found = shelf.get(digest) ?? { values: read(kind, data.slice(end + 1)), holders: 0 }
    found.holders += 1
    shelf.set(digest, found)
    release(parentElement)
    held.set(parentElement, digest)
    dispatchEvent(new Event("cifar-arrays"))
  }
  return () => release(parentElement)
}

function read(kind, bytes) {
  if (kind === "text") return bytes.length ? new TextDecoder().decode(bytes).split("\n") : []
  return new TYPES[kind](bytes.buffer)
}

function release(element) {
  const digest = held.get(element)
  held.delete(element)
  const found = shelf.get(digest)
  if (found && --found.holders === 0) shelf.delete(digest)
}
