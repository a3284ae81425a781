import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { main, start } from "../../cli/test/cli.ts"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { freePort } from "../../server/test/freePort.ts"
import { blocksOf } from "./blocks.ts"
import { commentOf, statementsOf } from "./shell.ts"

/** What a page needs before its commands run. */
export interface PageSetup {
  /** `local`: a server in local mode. `accounts`: a server where people sign in, with its bootstrap token in `token.txt`. */
  readonly server: "local" | "accounts"
  /** Settings of the server. */
  readonly environment?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  /** Statements to run before the page's commands. */
  readonly before?: string
  /** Replacements for example values of the page. */
  readonly replace?: ReadonlyArray<readonly [RegExp, string]>
}

/** Commands that run until Ctrl-C. They pass if they still run after this time, or exited successfully. */
const lasting = /--follow|curl -N|maxcloud (?:dev|server$|auth login)/
const lastingSeconds = 4

/** Commands that ask questions in a terminal. */
const asking = /maxcloud (?:org delete|account delete|destroy|delete \S+)/g

const root = join(import.meta.dirname, "../..")

const writeAll = (folder: string, files: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** `maxcloud`, and stand-ins for npm's programs that find it. Installing does nothing, because the packages are already here. */
const makePrograms = (folder: string) => {
  const maxcloud = `exec "${process.execPath}" "${main}" "$@"`
  const programs: Readonly<Record<string, string>> = {
    maxcloud,
    npx: `while [ "$1" != maxcloud ]; do shift; done; shift; ${maxcloud}`,
    npm: `exit 0`
  }
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
}

interface Ended {
  readonly code: number
  readonly output: string
}

const sh = (text: string, cwd: string, env: NodeJS.ProcessEnv, stdin: string) =>
  new Promise<Ended>((resolve) => {
    const child = execFile("bash", ["-c", text], { cwd, env, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1
      resolve({ code, output: stdout + stderr })
    })
    child.stdin?.on("error", () => {})
    child.stdin?.end(stdin)
  })

/** Compares the HTTP status with the one that a comment promises (`# 201`, `# 404, a problem`). Without a comment, it must be below 400. */
const statusFault = (comment: string, output: string): string | undefined => {
  const [, promised] = /^(\d{3})\b(?!, with)/.exec(comment) ?? []
  const status = /\[status (\d{3})\]\s*$/.exec(output)?.[1]
  if (status === undefined) return undefined
  if (promised !== undefined) return status === promised ? undefined : `the status is ${status}, not ${promised}`
  return Number(status) < 400 ? undefined : `the status is ${status}`
}

/** Replaces ids that the page abbreviates (`svc_…`) with the newest one of that kind. */
const withIds = async (text: string, run: (text: string) => Promise<Ended>): Promise<string> => {
  const newest = async (path: string) => {
    const { output } = await run(`curl -s "$MAXCLOUD_API_URL${path}" -w '\\n'`)
    return /"id":"([a-z]+_[0-9a-f]+)"/.exec(output)?.[1] ?? "none"
  }
  const open: ReadonlyArray<readonly [string, string]> = [
    ["svc_…", "/api/v1/services?sort=-createdAt&limit=1"],
    ["dep_…", "/api/v1/deployments?limit=1"]
  ]
  let result = text
  for (const [placeholder, path] of open) {
    if (result.includes(placeholder)) result = result.replaceAll(placeholder, await newest(path))
  }
  return result
}

/** Runs every command of a page in order, in a new folder, against a new server. Returns the failures. */
export const runPage = async (page: string, setup: PageSetup): Promise<ReadonlyArray<string>> => {
  const [folder, programs, home, data] = [0, 1, 2, 3].map(() => temporaryFolder("maxcloud-page-")) as [
    string,
    string,
    string,
    string
  ]
  for (const each of [folder, home]) chmodSync(each, 0o755)
  makePrograms(programs)
  writeAll(folder, setup.files ?? {})
  writeFileSync(join(home, ".curlrc"), `silent\nshow-error\nwrite-out = "\\n[status %{http_code}]\\n"\n`)
  const dataDir = withMadeDatabase(data)
  const mode =
    setup.server === "local" ? {} : { MAXCLOUD_AUTH: "required", MAXCLOUD_MAIL: "log", MAXCLOUD_REGISTRATION: "invite" }
  const server = start(["server", "--port", "0", "--data-dir", dataDir], {
    env: { ...mode, ...setup.environment, MAXCLOUD_RUNTIME: "local", MAXCLOUD_BACKUPS: "off" }
  })
  try {
    const url = /listens on (\S+)/.exec(await server.until(/listens on \S+/))?.[1] ?? ""
    if (setup.server === "accounts") {
      const token = /bootstrap\?token=(\S+)/.exec(await server.until(/bootstrap\?token=\S+/))?.[1] ?? ""
      writeAll(folder, { "token.txt": token })
    }
    const environment: NodeJS.ProcessEnv = {
      ...mode,
      PATH: `${programs}:${process.env["PATH"]}`,
      HOME: home,
      CURL_HOME: home,
      XDG_CONFIG_HOME: home,
      TMPDIR: process.env["TMPDIR"],
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.com",
      MAXCLOUD_API_URL: url,
      MAXCLOUD_RUNTIME: "local",
      MAXCLOUD_PORT: String(await freePort()),
      MAXCLOUD_DATA_DIR: dataDir
    }
    return await runStatements(page, setup, folder, environment, url)
  } finally {
    server.child.kill("SIGTERM")
    await server.ended
  }
}

const runStatements = async (
  page: string,
  setup: PageSetup,
  folder: string,
  environment: NodeJS.ProcessEnv,
  url: string
): Promise<ReadonlyArray<string>> => {
  const faults: Array<string> = []
  /** The state of the reader's shell. */
  let remembered = ""
  const run = (text: string) => sh(text, folder, environment, "s3cret-value\n")
  const runOne = async (statement: string, place: string) => {
    let text = statement.replaceAll(/http:\/\/127\.0\.0\.1:8080|https:\/\/cloud\.example\.com/g, url)
    for (const [pattern, by] of setup.replace ?? []) text = text.replaceAll(pattern, by)
    text = (await withIds(text, run)).replaceAll(asking, "$& --yes")
    const isLasting = lasting.test(text)
    const [, assigned = "", rest = ""] = /^((?:\w+=\S+ )*)([\s\S]*)$/.exec(text) ?? []
    const whole = isLasting ? `${assigned}timeout --signal=INT ${lastingSeconds} ${rest}` : text
    const { code, output } = await run(`${remembered}${whole}`)
    const fault = /^curl/.test(text) && !isLasting ? statusFault(commentOf(statement), output) : undefined
    const promised = Number(/^exit code (\d+)/.exec(commentOf(statement))?.[1] ?? 0)
    if (isLasting ? ![0, 124, 130].includes(code) : code !== promised || fault !== undefined) {
      faults.push(`${page}:${place} ${text}\n${fault ?? `exited with ${code}`}\n${output}`)
    }
    if (/^(?:export|umask) /.test(text)) remembered += `${text}\n`
  }
  for (const statement of statementsOf(setup.before ?? "")) await runOne(statement, "before:")
  for (const block of blocksOf(readFileSync(join(root, page), "utf8"))) {
    if (!/^(?:sh|console)$/.test(block.language) || block.noRun !== undefined) continue
    const isIn = block.folder === undefined ? "" : `cd ${block.folder}\n`
    remembered = isIn + remembered
    for (const statement of statementsOf(block.text)) await runOne(statement, `${block.line}:`)
    remembered = remembered.slice(isIn.length)
  }
  return faults
}
