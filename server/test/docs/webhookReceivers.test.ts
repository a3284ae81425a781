import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Redacted } from "effect"
import { newSecret, signedHeaders } from "../../src/tenancy/webhooks/signing.ts"
import { freePort } from "../freePort.ts"

const page = readFileSync(join(import.meta.dirname, "../../../docs/webhooks.md"), "utf8")
const blockOf = (language: string) =>
  new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? expect.unreachable(language)

const hasPython = spawnSync("python3", ["--version"]).status === 0

const answers = async (port: number, secret: Redacted.Redacted) => {
  const body = JSON.stringify({ type: "webhook.test", subject: "webhooks/ü", data: { text: "wörd" } })
  const now = Math.floor(Date.now() / 1000)
  const message = { id: "evt_1", at: now, body }
  const send = async (headers: Record<string, string>, sent = body) =>
    (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: sent })).status
  const genuine = signedHeaders([secret], message)
  return [
    await send(genuine),
    await send(signedHeaders([newSecret(), secret], message)),
    await send(genuine, `${body} `),
    await send({ ...genuine, "webhook-id": "evt_2" }),
    await send(signedHeaders([newSecret()], message)),
    await send(signedHeaders([secret], { ...message, at: now - 3_600 })),
    await send({})
  ]
}

const run = async (command: string, file: string, text: string) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-webhook-"))
  writeFileSync(join(folder, file), text)
  const port = await freePort()
  const secret = newSecret()
  const program = spawn(command, [join(folder, file)], {
    stdio: "ignore",
    env: { PATH: process.env.PATH, PORT: String(port), WEBHOOK_SECRET: Redacted.value(secret) }
  })
  const ended = new Promise((resolve) => program.once("exit", resolve))
  try {
    for (let tries = 0; ; tries++) {
      const found = await fetch(`http://127.0.0.1:${port}/`, { method: "POST" }).catch(() => undefined)
      if (found !== undefined) break
      if (tries > 200) expect.unreachable(`${file} doesn't listen`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return await answers(port, secret)
  } finally {
    program.kill("SIGKILL")
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

const expected = [204, 204, 401, 401, 401, 401, 401]

describe("the receivers of docs/webhooks.md", () => {
  it("in Node accept only signed requests", { timeout: 60_000 }, async () => {
    expect(await run(process.execPath, "receiver.mjs", blockOf("js"))).toStrictEqual(expected)
  })

  it.skipIf(!hasPython)("in Python accept only signed requests", { timeout: 60_000 }, async () => {
    expect(await run("python3", "receiver.py", blockOf("python"))).toStrictEqual(expected)
  })
})
