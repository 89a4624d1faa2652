// Runs axe-core over the page and says of each fault whose it is: the nearest element with a name decides.
// A component of ours is a shadow root; an element of Streamlit has a data-testid.
async () => {
  const owner = element => {
    const tag = element.tagName.toLowerCase()
    for (let node = element; node; node = node.parentNode) {
      if (node instanceof ShadowRoot) return `our component: ${tag}.${element.className}`
      const name = node.dataset?.testid
      if (name?.startsWith("st") && name !== "stMarkdown" && name !== "stMarkdownContainer")
        return node === element ? name : `${name} ${tag}`
    }
    return tag
  }
  const { violations } = await axe.run(document, { resultTypes: ["violations"], elementRef: true, preload: false })
  return violations
    .filter(fault => fault.impact === "serious" || fault.impact === "critical")
    .flatMap(fault => fault.nodes.map(node => [fault.id, owner(node.element), `${node.failureSummary} ${node.html}`]))
}
