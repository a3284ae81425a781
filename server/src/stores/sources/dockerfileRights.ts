/**
 * Flags of RUN that let a step out of its container's network or sandbox. Podman grants them without asking, unlike
 * docker.
 */
const flags = /^--(?:network|security)=/i
const longestLine = 100_000

/**
 * A step of a Dockerfile that would run with this machine's own network or rights. As root it could call the server's
 * API as its owner does, and steps mostly run other people's packages. undefined: there's none.
 */
export const hostRights = (text: string): { readonly flag: string; readonly line: number } | undefined => {
  const lines = text.split("\n")
  // Set by the directive `# escape=`, which is only valid at the top.
  const isBacktick = lines.slice(0, 20).some((line) => line.replaceAll(/\s/g, "").toLowerCase() === "#escape=`")
  const escape = isBacktick ? "`" : "\\"
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let instruction = lines[at]?.trim() ?? ""
    while (instruction.endsWith(escape) && at + 1 < lines.length && instruction.length < longestLine) {
      const next = lines[++at]?.trim() ?? ""
      // Comments and empty lines don't end an instruction.
      instruction = next === "" || next.startsWith("#") ? instruction : `${instruction.slice(0, -1)} ${next}`
    }
    const [first, second, ...rest] = instruction.split(/\s+/)
    const isTrigger = first?.toUpperCase() === "ONBUILD"
    if ((isTrigger ? second : first)?.toUpperCase() !== "RUN") continue
    for (const word of isTrigger ? rest : [second ?? "", ...rest]) {
      if (!word.startsWith("--")) break
      const value = word.slice(word.indexOf("=") + 1).toLowerCase()
      if (flags.test(word) && value !== "default" && value !== "none" && value !== "sandbox")
        return { flag: word, line }
    }
  }
  return undefined
}
