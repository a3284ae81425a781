import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { guardedBy } from "./guarded.ts"

const here = join(import.meta.dirname, "../..")

/** Folders whose emitters carry data from services, callers or clusters. */
const folders = [
  "base/proxy",
  "edge",
  "runtimes/kubeApi",
  "runtimes/kubernetes/cache",
  "runtimes/kubernetes/exec",
  "runtimes/kubernetes/logs",
  "runtimes/local/logs",
  "stores/logs"
]

/** Signals and timers of the process itself, which carry no user data. */
const ours = new Set(["edge/gateway/index.ts"])

const sources = folders.flatMap((folder) =>
  readdirSync(join(here, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter(
      (name) =>
        name.endsWith(".ts") && !/(\.test|[/]fake\w*|[/]test\w*|[/]testing|[/]fuzz\w*|[/]rawHttp2)\.ts$/.test(name)
    )
    .filter((name) => !ours.has(name))
)

/** Names bound to a guarded callback in the same file. */
const guardedNames = (text: string) =>
  new Set(
    [
      ...text.matchAll(
        /(?:const|readonly) (#?\w+)(?:: RequestListener = \([^)]*\) =>\s+| = (?:\w+\.|this\.#)?)guarded/g
      )
    ].map(([, name]) => name)
  )

const registration =
  /\bon(?:Request|Response)(?:Start|Data|End|Error|Upgrade):\s*|\.(?:on|once|addListener|prependListener)\(\s*"\w+",\s*|(?<![.\w])set(?:Timeout|Immediate|Interval)\(\s*|(?<=\.)setTimeout\(\s*[\w* ]+,\s*/g

const unguarded = (text: string): Array<string> => {
  const names = guardedNames(text)
  return [...text.matchAll(registration)].flatMap(({ 0: call, index }) => {
    const rest = text.slice(index + call.length, index + call.length + 160)
    const isGuarded =
      /^(?:this\.#|\w+\.)?guarded/.test(rest) ||
      // Guarded by the connection or stream that the event passes.
      /^\([^)]*\) =>(?: \{\s*const guarded =)?\s+(?:guardedFor|guardedBy|forSocket)\(/.test(rest) ||
      // A promise's own function, which never throws.
      rest.startsWith("resolve") ||
      // Without a callback it returns a promise.
      rest.startsWith(")") ||
      names.has(/^(?:this\.)?(#?\w+)/.exec(rest)?.[1] ?? "")
    return isGuarded ? [] : [`${call.trim()}${rest.split("\n")[0]}`]
  })
}

describe("guarded callbacks", () => {
  it("pass exceptions to their fault handler, and drop exceptions of that handler", () => {
    const seen: Array<unknown> = []
    guardedBy((cause) => seen.push(cause))((...values: Array<number>) => {
      throw values
    })(1, 2)
    guardedBy(() => {
      throw new Error("twice")
    })(() => {
      throw new Error("once")
    })()
    expect(seen).toEqual([[1, 2]])
  })

  it.each(sources)("are the only ones that %s passes to emitters and timers", (name) => {
    expect(unguarded(readFileSync(join(here, name), "utf8"))).toEqual([])
  })
})
