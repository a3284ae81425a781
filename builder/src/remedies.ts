import { stripVTControlCharacters } from "node:util"

/** A common fault, recognized in a tool's output. */
interface Known {
  /** A pattern within one line. */
  readonly found: RegExp
  /** A condition on another line. */
  readonly beside?: string
  /** The problem and its fix, in one or two sentences. The texts are the groups of `found`. */
  readonly remedy: (...found: ReadonlyArray<string>) => string
}

const dockerfile = (from: string) => `or add a Dockerfile that starts with \`FROM ${from}\``

const nodeVersion = process.versions.node

/** `22` from `>=22 <23` or `^22.1`: a version that an image could have. */
const major = (range: string, otherwise: string): string => /\d+/.exec(range)?.[0] ?? otherwise

/** `3.12` from `<4.0,>=3.12`. */
const lowestPython = (range: string): string => /(?:>=|==|~=|\^)\s*(3\.\d+)/.exec(range)?.[1] ?? "3.13"

const forPython = (range: string) =>
  `It needs Python ${range.trim()}, but this machine's python3 has another version. Install that Python on this machine, ${dockerfile(`python:${lowestPython(range)}-slim`)}.`

const forNode = (range: string) =>
  `It needs Node ${range.trim()}, but this machine has ${nodeVersion}. Change \`engines\` if it works with newer versions, ${dockerfile(`node:${major(range, "22")}`)}.`

const variable = (name: string) =>
  `It needs the variable ${name}, but a build doesn't get the service's variables. Set it for the build in the config: \`build: "${name}=… npm run build"\`, with the project's own build command.`

/** Programs' one-line messages about a missing variable. The name must have an underscore, or any word in capitals would match. */
const missing: ReadonlyArray<RegExp> = [
  /Environment variable not found: ([A-Z][A-Z0-9_]{1,60})\b/,
  /\b([A-Z][A-Z0-9]{0,30}_[A-Z0-9_]{1,60})\b["'`]?(?: environment variable| env var)?[^\n.]{0,20}(?:is not set|is not defined|is required|is missing|isn't set|not provided|must be (?:set|provided|defined)|Required\b)/,
  /(?:missing|undefined|required|set)[^\n]{0,30}\b(?:environment|env)\b[^\n]{0,15}\bvar(?:iable)?s?\b[^\n]{0,10}?["'`: ]+([A-Z][A-Z0-9]{0,30}_[A-Z0-9_]{1,60})\b/i
]

/** The missing variable named in a line of a program's output. */
export const missingVariable = (line: string): string | undefined => {
  for (const found of missing) {
    const name = found.exec(line)?.[1]
    if (name !== undefined && name === name.toUpperCase()) return name
  }
  return undefined
}

/** The first match counts, so the most certain ones come first. */
const known: ReadonlyArray<Known> = [
  { found: /requires a different Python: [\d.]+ not in '([^'\n]{1,60})'/i, remedy: forPython },
  { found: /Requires-Python ([<>=!~^\d., *]{1,60})/, beside: "No matching distribution", remedy: forPython },
  { found: /No interpreter found for Python ([<>=!~^\d., *]{1,60})/, remedy: forPython },
  { found: /requires-python[^\n]{0,80}?`?([<>=~^]=?\s?3\.[\d., <>=]{1,40})`?/i, remedy: forPython },
  { found: /Current Python version \([\d.]+\) is not allowed by the project \(([^)\n]{1,60})\)/, remedy: forPython },
  { found: /The engine "node" is incompatible[^\n]*Expected version "([^"\n]{1,60})"/, remedy: forNode },
  { found: /notsup Required: \{[^}\n]{0,200}"node":\s?"([^"\n]{1,60})"/, remedy: forNode },
  { found: /Expected version: ([^\n]{1,60})/, beside: "Your Node version is incompatible", remedy: forNode },
  {
    found: /error:0308010C|ERR_OSSL_EVP_UNSUPPORTED/,
    remedy: () =>
      'Its bundler (webpack 4) needs an older OpenSSL than that of Node 17 and later. Set `build: "NODE_OPTIONS=--openssl-legacy-provider npm run build"` in the config, or update the bundler.'
  },
  {
    found: /gyp ERR! cwd [^\n]*[/\\]node_modules[/\\]((?:@[\w.-]+[/\\])?[\w.-]+)/,
    remedy: (name) =>
      `Compiling ${name} failed. Update it to a version with a prebuilt binary for Node ${major(nodeVersion, "24")}, install python3, make and g++ on this machine, ${dockerfile("node:22")} or with the Node version that it supports.`
  },
  {
    found: /can only install packages when your package\.json and package-lock\.json[^\n]* are in sync/,
    remedy: () => "The lockfile is older than package.json. Run `npm install`, and deploy again."
  },
  {
    found: /ERR_PNPM_OUTDATED_LOCKFILE/,
    remedy: () => "The lockfile is older than package.json. Run `pnpm install`, and deploy again."
  },
  {
    found: /lockfile needs to be updated|The lockfile would have been modified by this install/,
    remedy: () => "The lockfile is older than package.json. Run `yarn install`, and deploy again."
  },
  {
    found: /lockfile had changes, but lockfile is frozen/,
    remedy: () => "The lockfile is older than package.json. Run `bun install`, and deploy again."
  },
  {
    found: /The lockfile is out of date\. Run `deno install/,
    remedy: () =>
      "deno.lock is older than deno.json or the imports. Run `deno install`, or `deno cache main.ts` for the source's own imports, and deploy again."
  },
  {
    found: /Unsupported URL Type "(workspace|catalog):"/,
    remedy: (what) =>
      `Its package.json uses "${what}:", which pnpm, Yarn or Bun understand. Add their lockfile to the folder, or use a package inside the workspace as \`source\`.`
  },
  {
    found: /go\.mod requires go >= ([\d.]+)/,
    remedy: (version) =>
      `It needs Go ${version} or newer. Install it on this machine, ${dockerfile(`golang:${/^\d+\.\d+/.exec(version)?.[0] ?? version}`)}.`
  },
  {
    found: /heap out of memory|Reached heap limit/,
    remedy: () =>
      'The build needs more memory than the default limit of Node. Set `build: "NODE_OPTIONS=--max-old-space-size=4096 npm run build"` in the config.'
  }
]

/** How much of an output to search: its end, and the start of each line. */
const looked = 64 * 1024
const lookedOfLine = 1_000

/** The fix for a failed tool's output, if one is known. */
export const remedyOf = (output: string): string | undefined => {
  const text = stripVTControlCharacters(output.slice(-looked))
  const lines = text.split("\n").map((line) => line.slice(0, lookedOfLine))
  for (const { beside, found, remedy } of known) {
    if (beside !== undefined && !text.includes(beside)) continue
    for (const line of lines) {
      const match = found.exec(line)
      if (match !== null) return remedy(...match.slice(1).map((value) => value ?? ""))
    }
  }
  const name = lines.map(missingVariable).find((value) => value !== undefined)
  return name === undefined ? undefined : variable(name)
}
