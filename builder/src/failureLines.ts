import { stripVTControlCharacters } from "node:util"

/** A status alone could also be the line of a file: `NormalModule.js:503:5`. */
const away =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|socket hang up|(?:\bE|FETCH_|[Hh]ttps? |HTTP\/[\d.]+ |HTTP [Ee]rror |[Ee]rror[: ] ?|[Ss]tatus(?: [Cc]ode)?:? )50[234]\b|\b50[234] (?:Bad|Gateway|Server|Service)|Temporary failure in name resolution|dial tcp|no such host|i\/o timeout|TLS handshake timeout|All attempts to connect to|client error \(Connect\)/

/** Whether a tool's output says that the network or a registry was unreachable, so that a retry may help. */
export const isAway = (output: string): boolean => away.test(output)

/** npm exits with 0 on a full disk, so such a line is the only sign. */
export const isDiskFull = (line: string): boolean => /ENOSPC|no space left on device|EDQUOT/i.test(line)

const most = 20
/** pip lists every version of a package in one line. */
const longest = 300

const cut = (line: string): string => (line.length > longest ? `${line.slice(0, longest)} …` : line)

const ofUsage = [
  "Usage:",
  "Options:",
  "aliases:",
  "Clean install a project",
  "A complete log of this run",
  "For a full report see",
  'Run "npm help'
]

/** npm's usage text and the path of its log, which are useless here. */
const isUsage = (line: string): boolean => {
  const said = /^npm (?:error|ERR!)(.*)$/.exec(line)?.[1]?.trim()
  return (
    said !== undefined &&
    (said === "" || said.startsWith("[-") || said.startsWith("--") || ofUsage.some((value) => said.startsWith(value)))
  )
}

/**
 * The lines of a failed tool's output with the cause. npm writes its cause first and then the command's usage, so the last lines hide it. Other tools
 * write the cause last.
 */
export const failureLines = (output: string): string => {
  const lines = stripVTControlCharacters(output)
    .split(/\r\n|\n|\r/)
    .map((line) => cut(line.trimEnd()))
    .filter((text) => text.trim() !== "")
  const ofNpm = lines.filter((line) => /^npm (error|ERR!)/.test(line))
  const isScript =
    ofNpm.some((value) => /^npm (error|ERR!) (Lifecycle script|command failed|Missing script)/.test(value)) &&
    ofNpm.length < 8
  const usage = ofNpm.findIndex((value) => /^npm (error|ERR!) (Usage:|Clean install a project|Options:)/.test(value))
  const causes = (usage === -1 ? ofNpm : ofNpm.slice(0, usage)).filter((value) => !isUsage(value))
  if (causes.length > 0 && !isScript) return causes.slice(0, most).join("\n")
  return lines
    .filter((line) => !isUsage(line))
    .slice(-most)
    .join("\n")
}
