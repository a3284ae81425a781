import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline/promises"
import type { Readable, Writable } from "node:stream"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import pg from "pg"
import { recordFault } from "../../../test/chaos/recordFault.ts"
import { makeEmbeddedPostgres } from "./EmbeddedPostgres.ts"
import { folderLock } from "./folderLock.ts"
import { ownerRole } from "./initialise.ts"
import { listensIn } from "./listensIn.ts"
import { networkFileSystem } from "./networkFileSystem.ts"

/** Ids, shared memory, names and networks of its own, as a container has them. */
const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts", "--net"]
const hasNamespaces = (() => {
  try {
    execFileSync(container[0] ?? "", [...container.slice(1), "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  readonly lines: AsyncIterator<string>
}

const cleanUp: Array<() => unknown> = []
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo()
})

const makeFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-lock-"))
  chmodSync(folder, 0o755)
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const moduleOf = (name: string) => JSON.stringify(join(import.meta.dirname, name))

/** Waits for a byte, takes the folder, reports the result, and stays. */
const taker = (folder: string) => `
import { once } from "node:events"
import { Effect } from "effect"
import { folderLock } from ${moduleOf("folderLock.ts")}
console.log("up")
await once(process.stdin, "data")
Effect.runFork(folderLock(${JSON.stringify(folder)}).pipe(
  Effect.match({ onSuccess: () => "taken", onFailure: (error) => error.message }),
  Effect.tap((_) => Effect.sync(() => console.log(_))),
  Effect.andThen(Effect.never),
  Effect.scoped
))
setInterval(() => {}, 1_000)
`

const run = (script: string, wrapper: ReadonlyArray<string> = []): Child => {
  const [file = "", ...args] = [...wrapper, process.execPath, "--input-type=module", "--eval", script]
  const started = spawn(file, args, { cwd: import.meta.dirname, stdio: ["pipe", "pipe", "inherit"] })
  const child = { process: started, lines: createInterface(started.stdout)[Symbol.asyncIterator]() }
  cleanUp.push(() => end(child))
  return child
}

/** Kills it, and waits for everything else that writes to its output. */
const end = async ({ process: child }: Child) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, "close")
  child.kill("SIGKILL")
  await gone
}

const line = async (child: Child): Promise<string> => String((await child.lines.next()).value)
const go = (child: Child) => {
  child.process.stdin.write("\n")
  return line(child)
}

const take = (folder: string) =>
  Effect.runPromise(
    folderLock(folder).pipe(
      Effect.match({ onSuccess: () => "taken", onFailure: (error) => error.message }),
      Effect.scoped
    )
  )

describe("the lock of a data folder", () => {
  it("goes to one of many that start at once, also after each kill", async () => {
    const folder = makeFolder()
    for (let round = 0; round < 3; round++) {
      const children = Array.from({ length: 6 }, () => run(taker(folder)))
      await Promise.all(children.map(line))
      const answers = await Promise.all(children.map(go))
      expect(answers.filter((answer) => answer === "taken")).toHaveLength(1)
      await Promise.all(children.map(end))
    }
    expect(await take(folder)).toBe("taken")
  })

  it("can only be held once within a process", async () => {
    const folder = makeFolder()
    const second = Effect.flip(Effect.scoped(folderLock(folder)))
    const { reason } = await Effect.runPromise(Effect.scoped(Effect.andThen(folderLock(folder), second)))
    expect(reason).toBe("locked")
    expect(await take(folder)).toBe("taken")
  })

  it.skipIf(process.platform !== "linux")("is free once its holder is dead, even if nobody has reaped it", async () => {
    const folder = makeFolder()
    // The shell becomes `sleep`, which never waits for the child that it then has.
    const parent = run(taker(folder), ["sh", "-c", 'exec 3<&0; "$0" "$@" <&3 & echo "$!"; exec sleep 60'])
    const pid = Number(await line(parent))
    await line(parent)
    expect(await go(parent)).toBe("taken")
    expect(await take(folder)).toContain(`(process ${pid})`)
    process.kill(pid, "SIGKILL")
    // Its threads end one by one.
    while ((await take(folder)) !== "taken");
    await expect.poll(() => readFileSync(`/proc/${pid}/status`, "utf8"), { timeout: 20_000 }).toMatch(/^State:\s+Z/m)
  })

  it.skipIf(!hasNamespaces)("holds across containers, and names its holder's container", async () => {
    const folder = makeFolder()
    const inside = run(taker(folder), [...container, "sh", "-c", 'hostname box-1; exec "$0" "$@"'])
    await line(inside)
    expect(await go(inside)).toBe("taken")
    expect(await take(folder)).toMatch(
      /in use by another max-cloud server \(process \d+ on the host or in the container box-1\)/
    )
    await end(inside)
    expect(await take(folder)).toBe("taken")
  })

  it("isn't used on network file systems", () => {
    expect([0x6969, 0xff534d42, -11_317_950, 0xef53, 0x9123683e, 0x01021994].map(networkFileSystem)).toEqual(
      process.platform === "linux" ? ["NFS", "CIFS", "CIFS", undefined, undefined, undefined] : Array(6).fill(undefined)
    )
  })
})

describe("a database", () => {
  it.skipIf(!hasNamespaces).each([
    ["", "db"],
    ["with a path too long for a socket", "d".repeat(110)]
  ])("is refused if a Postgres of another container runs it, and stays intact %s", async (_, name) => {
    const folder = join(makeFolder(), name)
    const inside = run(
      `import { makeEmbeddedPostgres } from ${moduleOf("EmbeddedPostgres.ts")}
       await (await makeEmbeddedPostgres(${JSON.stringify(folder)})).start()
       console.log("started")
       setInterval(() => {}, 1_000)`,
      container
    )
    expect(await line(inside)).toBe("started")
    const postgres = await makeEmbeddedPostgres(folder)
    await expect(postgres.start()).rejects.toThrow("in use by a Postgres of another container")

    // The whole container is killed, and its ids mean nothing here.
    await end(inside)
    while (await listensIn(join(folder, "postgres")));
    await postgres.start()
    cleanUp.push(postgres.stop)
    const client = new pg.Client({
      host: postgres.socketFolder,
      user: ownerRole,
      database: "postgres",
      password: postgres.password
    })
    await client.connect()
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  it.skipIf(process.getuid?.() !== 0)(
    "runs as another user if root starts the server on that user's folder",
    async () => {
      const folder = makeFolder()
      const start = async () => {
        const postgres = await makeEmbeddedPostgres(folder)
        await postgres.start()
        await postgres.stop()
      }
      await start()
      for (const name of ["postgres", "postgres.password"]) execFileSync("chown", ["-R", "1:1", join(folder, name)])
      chownSync(folder, 1, 1)
      await start()
      recordFault(import.meta.filename, {
        fault: "Root starts a server on another user's data folder",
        seen: "nothing",
        recovery: "not needed: the database runs as the user who owns it",
        seconds: null
      })
    }
  )
})
