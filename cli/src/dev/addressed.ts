import type { Terminal } from "../output/terminal.ts"

/** The server and stage for the commands in a text. */
export interface Address {
  readonly apiUrl: string
  /** undefined for the credential's organization, or the server's only one. */
  readonly organization: string | undefined
  /** undefined if the command's default is right, unless the text names a stage. */
  readonly stage: string | undefined
  /** The names of the commands that call a server. */
  readonly commands: ReadonlySet<string>
}

export const usualApiUrl = "http://127.0.0.1:8080"

const asksServer = (words: ReadonlyArray<string>, commands: Address["commands"]): boolean =>
  [1, 2, 3].some((length) => commands.has(words.slice(0, length).join(" ")))

/**
 * Adds the server and the stage to the `maxcloud` commands (in backticks) of a text, so that they work in any terminal. Messages come from
 * everywhere, including the server, and contain neither.
 */
export const addressed = (text: string, { apiUrl, commands, organization, stage }: Address): string =>
  text.replace(/`((?:npx )?maxcloud )([^`\n]+)`/g, (whole, program: string, line: string) => {
    const words = line.split(" ")
    if (!asksServer(words, commands)) return whole
    const hasStage = words.some((word) => word === "-s" || word === "--stage" || word.startsWith("--stage="))
    const hasUrl = words.some((word) => word === "--api-url" || word.startsWith("--api-url="))
    const hasOrganization = words.some((word) => word === "--org" || word.startsWith("--org="))
    const added = [
      ...(stage === undefined || hasStage ? [] : ["--stage", stage]),
      ...(organization === undefined || hasOrganization ? [] : ["--org", organization]),
      ...(apiUrl === usualApiUrl || hasUrl ? [] : ["--api-url", apiUrl])
    ]
    // Before a redirection (`< FILE`). Flags could follow it too, but nobody writes commands that way.
    const at = words.findIndex((word) => /^[<>|&]/.test(word))
    const cut = at === -1 ? words.length : at
    return `\`${program}${[...words.slice(0, cut), ...added, ...words.slice(cut)].join(" ")}\``
  })

/** A terminal that applies `addressed` to every line for people. */
export const addressedTerminal = (terminal: Terminal, address: Address): Terminal => ({
  ...terminal,
  say: (line) => terminal.say(addressed(line, address))
})
