import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { bundleCli } from "./bundle.ts"

export const packageFolder = dirname(import.meta.dirname)
export const main = await bundleCli()

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
  readonly node?: ReadonlyArray<string>
}

/** An environment without this machine's credentials, and with its own folder for new ones. */
const configHome = temporaryFolder("maxcloud-cli-")

/** A killed server leaves files here. Open to all users, because a root server runs its services as other users. */
const temporary = temporaryFolder("maxcloud-cli-")
chmodSync(temporary, 0o1777)

const isOwn = (name: string) =>
  /^(CI|FORCE_COLOR|NO_COLOR|GITHUB_ACTIONS|ACTIONS_ID_TOKEN_.*|MAXCLOUD_(API_.*|ID_TOKEN|ORG|ORGANIZATION|STAGE|INSECURE|AUTH))$/.test(
    name
  )

const cleanEnvironment = () => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOwn(name))),
  NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
  TMPDIR: temporary,
  XDG_CONFIG_HOME: configHome
})

/** A running program, with everything that it has written. */
export const start = (args: ReadonlyArray<string>, options: RunOptions = {}) => {
  const child = spawn(process.execPath, [...(options.node ?? [main]), ...args], {
    cwd: options.cwd ?? packageFolder,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: "pipe"
  })
  let stdout = ""
  let stderr = ""
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const check of waiting) check()
  }
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    wake()
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    wake()
  })
  const ended = new Promise<Outcome>((resolve) => {
    child.on("close", (code) => {
      resolve({ code, stdout, stderr })
      wake()
    })
  })
  child.stdin.on("error", () => {})
  child.stdin.end(options.stdin ?? "")
  return {
    child,
    ended,
    output: () => ({ stdout, stderr }),
    /** Resolves once the output so far matches. Rejects if the program exits first. */
    until: (pattern: RegExp) =>
      new Promise<string>((resolve, reject) => {
        const check = () => {
          const text = stdout + stderr
          if (pattern.test(text)) {
            waiting.delete(check)
            resolve(text)
          } else if (child.exitCode !== null) {
            waiting.delete(check)
            reject(new Error(`exited with ${child.exitCode} before ${pattern}:\n${text}`))
          }
        }
        waiting.add(check)
        check()
      })
  }
}

export const run = (args: ReadonlyArray<string>, options: RunOptions = {}): Promise<Outcome> =>
  start(args, options).ended

/** A new folder with `@maxcloud/sdk` installed. Removed after the tests of the file. */
export const makeFolder = (files: Readonly<Record<string, string>>): string => {
  const folder = temporaryFolder("maxcloud-cli-")
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, "node_modules/@maxcloud"), { recursive: true })
  symlinkSync(join(packageFolder, "../sdk"), join(folder, "node_modules/@maxcloud/sdk"))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

export const webServer = (greeting: string) => `import { createServer } from "node:http"
console.log("starting ${greeting}")
const server = createServer((request, response) => {
  console.log(request.method, request.url)
  response.end("${greeting} " + (process.env.GREETING ?? ""))
})
server.listen(Number(process.env.PORT))
process.on("SIGTERM", () => server.close())
`

export const webPackage = JSON.stringify({ name: "web", type: "module", scripts: { start: "node server.js" } })
