import { randomBytes } from "node:crypto"
import { open, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import type { PlanFile } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { loadSdk } from "../client.ts"
import { UsageError } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"
import { notWritten } from "../output/exporting.ts"

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const isAbsent = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT"

/** The start of a plan in JSON. */
const begins = /^\s*\{\s*"kind":\s*"maxcloud-plan"/

/** The first bytes of a file, at most this many, and its size; undefined if it doesn't exist. Refuses folders and devices. */
const beginningOf = async (file: string, most: number) => {
  const handle = await open(file, "r").catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Error("it isn't a file")
    const bytes = Buffer.alloc(Math.min(found.size, most))
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { bytes: bytes.subarray(0, length), size: found.size }
  } finally {
    await handle.close()
  }
}

/** Refuses to overwrite anything but an earlier plan or an empty file. */
export const checkPlace = (file: string) =>
  Effect.gen(function* () {
    const found = yield* Effect.tryPromise({
      try: () => beginningOf(resolve(file), 200),
      catch: notWritten(file)
    })
    if (found === undefined || found.size === 0 || begins.test(found.bytes.toString("utf8"))) return
    return yield* new UsageError({
      message: `${file} exists and isn't a plan, so it wasn't overwritten`,
      fix: "choose another file with --out FILE, or delete that one"
    })
  })

/** Writes a plan to a file that only its owner can read, since it contains the config's plain values. It appears only once it is complete. */
export const writePlanFile = (file: string, plan: PlanFile) =>
  Effect.tryPromise({
    try: async () => {
      const target = resolve(file)
      const temporary = join(dirname(target), `.maxcloud-${randomBytes(6).toString("hex")}`)
      try {
        await writeFile(temporary, `${JSON.stringify(plan, null, 2)}\n`, { flag: "wx", mode: 0o600, flush: true })
        await rename(temporary, target)
      } finally {
        await rm(temporary, { force: true })
      }
    },
    catch: notWritten(file)
  })

export const readPlanFile = (file: string) =>
  Effect.gen(function* () {
    const { parsePlanFile, planFileBytes } = yield* loadSdk
    const fix = "use a file that `maxcloud plan --out FILE` has written"
    const found = yield* Effect.tryPromise({
      try: () => beginningOf(resolve(file), planFileBytes + 1),
      catch: (error) => new UsageError({ message: `Couldn't read the plan ${file}: ${reasonOf(error)}`, fix })
    })
    if (found === undefined) return yield* new UsageError({ message: `file not found: ${file}`, fix })
    if (found.bytes.length > planFileBytes) {
      return yield* new UsageError({ message: `${file} is larger than a plan can be`, fix })
    }
    const text = yield* decodeText(found.bytes, file)
    if (!begins.test(text)) return yield* new UsageError({ message: `${file} isn't a plan`, fix })
    return yield* Either.mapLeft(
      parsePlanFile(text),
      (why) =>
        new UsageError({ message: `the plan ${file} can't be used: ${why}`, fix: "run `maxcloud plan --out` again" })
    )
  })
