import type { Terminal } from "../output/terminal.ts"

/** The server and the stage that the commands in a text are meant for. */
export interface Address {
  readonly apiUrl: string
  /** undefined: that of the credential, or the one of the server. */
  readonly organization: string | undefined
  /** undefined: unless the text says one, the command's own default is right. */
  readonly stage: string | undefined
  /** The names of the commands that ask a server. */
  readonly commands: ReadonlySet<string>
}

export const usualApiUrl = "http://127.0.0.1:8080"

const asksServer = (words: ReadonlyArray<string>, commands: Address["commands"]): boolean =>
  [1, 2, 3].some((length) => commands.has(words.slice(0, length).join(" ")))

/**
 * The text, whose commands of `maxcloud` (in backticks) name the server and the stage, so that they do the same in any terminal. Messages come
 * from everywhere, the server too, and know of neither.
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
    // Only before a redirection of the shell (`< FILE`). Flags may follow a redirection too, but nobody writes it so.
    const at = words.findIndex((word) => /^[<>|&]/.test(word))
    const cut = at === -1 ? words.length : at
    return `\`${program}${[...words.slice(0, cut), ...added, ...words.slice(cut)].join(" ")}\``
  })

/** A terminal on which every command for people is `addressed`. */
export const addressedTerminal = (terminal: Terminal, address: Address): Terminal => ({
  ...terminal,
  say: (line) => terminal.say(addressed(line, address))
})
