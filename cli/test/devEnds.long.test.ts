import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { main, start } from "./cli.ts"
import { makeApp, nothingLeft, processesOf } from "./devApp.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const newApp = () => {
  const folder = makeApp()
  folders.push(folder)
  return folder
}

const onLinux = process.platform === "linux"
const patience = { timeout: 180_000 }

describe.runIf(onLinux)("after a kill -9 of dev", () => {
  it("the next one stops its programs", patience, async () => {
    const folder = newApp()
    const first = start(["dev", "--port", "0"], { cwd: folder })
    await first.until(/it listens/)
    first.child.kill("SIGKILL")
    await first.ended
    // Postgres may keep running for the next one.
    const left = appsOf(folder)
    expect(left.length).toBeGreaterThan(0)
    const second = start(["dev", "--port", "0"], { cwd: folder })
    await second.until(/it listens/)
    expect(appsOf(folder).filter((value) => left.includes(value))).toEqual([])
    second.child.kill("SIGINT")
    expect((await second.ended).code).toBe(0)
    await nothingLeft(folder)
  })

  it("a server in the same folder stops unfinished builds, and doesn't resume them", patience, async () => {
    const folder = newApp()
    const build = "node -e \"require('fs').writeFileSync('begun',''); setInterval(() => {}, 1000)\""
    writeFileSync(join(folder, "web/package.json"), JSON.stringify({ scripts: { build } }))
    const first = start(["dev", "--port", "0", "--no-watch"], { cwd: folder })
    await expect.poll(() => buildsOf(folder).length, { timeout: 30_000 }).toBeGreaterThan(0)
    first.child.kill("SIGKILL")
    await first.ended
    const left = buildsOf(folder)
    const server = start(["server", "--port", "0", "--data-dir", join(folder, ".maxcloud")], { cwd: folder })
    await server.until(/listens on/)
    expect(buildsOf(folder).filter((value) => left.includes(value))).toEqual([])
    server.child.kill("SIGTERM")
    await server.ended
    await nothingLeft(folder)
  })
})

const fileOf = (pid: string, name: "cmdline" | "environ"): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1")
  } catch {
    return ""
  }
}

/** The instances, which run in the source's own folder. */
const appsOf = (folder: string) => processesOf(folder).filter((value) => fileOf(value, "cmdline").includes("index.js"))

/** The build's processes, which run in the folder of an unfinished build. */
const buildsOf = (folder: string) => processesOf(folder).filter((value) => fileOf(value, "environ").includes("/build-"))

const toolchain: { readonly toolchain: { readonly pnpm: string } } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../node_modules/.max-cloud.json"), "utf8")
)

const bin = dirname(process.execPath)
const managers: Readonly<Record<string, ReadonlyArray<string>>> = {
  "pnpm exec": [process.execPath, toolchain.toolchain.pnpm, "exec", "maxcloud", "dev", "--port", "0"],
  npx: ["npx", "--no-install", "maxcloud", "dev", "--port", "0"],
  "npm run": ["npm", "run", "cloud"]
}

/** An app with `maxcloud` installed. */
const newProject = () => {
  const folder = newApp()
  const file = join(folder, "node_modules/.bin/maxcloud")
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
  chmodSync(file, 0o755)
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "project", private: true, scripts: { cloud: "maxcloud dev --port 0" } })
  )
  return folder
}

const said = (child: ChildProcess, text: string) =>
  new Promise<void>((resolve, reject) => {
    let all = ""
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        all += chunk
        if (all.includes(text)) resolve()
      })
    child.once("close", (code) => reject(new Error(`exited with ${code} before "${text}":\n${all}`)))
  })

/** Starts it as a shell does: in its own process group, which the terminal signals. */
const startIn = async (folder: string, [file = "", ...args]: ReadonlyArray<string>) => {
  const { CI: _, ...env } = process.env
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...env, PATH: [bin, process.env["PATH"]].join(delimiter) },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
  await said(child, "it listens")
  const { pid } = child
  if (pid === undefined) throw new Error(`${file} wasn't started`)
  return { child, closed, pid }
}

describe.runIf(onLinux).each(Object.entries(managers))("under %s, nothing is left", (_, words) => {
  it("after Ctrl-C", patience, async () => {
    const folder = newProject()
    const { closed, pid } = await startIn(folder, words)
    process.kill(-pid, "SIGINT")
    await closed
    await nothingLeft(folder, 20_000)
  })

  it("after SIGTERM to the package manager only", patience, async () => {
    const folder = newProject()
    const { child } = await startIn(folder, words)
    child.kill("SIGTERM")
    await nothingLeft(folder, 20_000)
  })

  it("after SIGKILL of the package manager only", patience, async () => {
    const folder = newProject()
    const { child } = await startIn(folder, words)
    child.kill("SIGKILL")
    await nothingLeft(folder, 20_000)
  })
})

/** A terminal that closes once the program prints that it listens. */
const closingTerminal = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while b"it listens" not in seen:
    seen += os.read(fd, 65536)
print("it listens", flush=True)
os.close(fd)
os.waitpid(pid, 0)
`

it.runIf(onLinux)("nothing is left after its terminal closes", patience, async () => {
  const folder = newProject()
  for (const words of [[process.execPath, main, "dev", "--port", "0"], managers["npm run"] ?? []]) {
    const { closed } = await startIn(folder, ["python3", "-c", closingTerminal, ...words])
    await closed
    await nothingLeft(folder, 20_000)
  }
})
