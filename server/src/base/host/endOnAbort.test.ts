import { spawn } from "node:child_process"
import { once } from "node:events"
import { pathToFileURL } from "node:url"
import { expect, it } from "@effect/vitest"

const program = (code: number) => `
import { spawn } from "node:child_process"
const { endOnAbort } = await import(${JSON.stringify(pathToFileURL(`${import.meta.dirname}/endOnAbort.ts`).href)})
const child = spawn("sleep", ["20"], { detached: true, stdio: ["ignore", "inherit", "ignore"] })
endOnAbort(-child.pid, "SIGKILL")
process.stdout.write(String(child.pid), () => process.exit(${code}))
`

/** Was the child of a process that exited with this code killed? It holds the pipe open until then. */
const isEnded = async (code: number) => {
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program(code)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  let pid = ""
  parent.stdout.on("data", (chunk) => {
    pid += String(chunk)
  })
  const closed = once(parent.stdout, "close").then(() => true)
  await once(parent, "exit")
  const ended = await Promise.race([closed, new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000))])
  if (!ended) process.kill(Number(pid), "SIGKILL")
  return ended
}

it("kills the children of a process on a second signal, and no others", async () => {
  expect(await isEnded(130)).toBe(true)
  expect(await isEnded(0)).toBe(false)
})
