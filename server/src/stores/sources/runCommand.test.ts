import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { type Installer, runCommand } from "./runCommand.ts"

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "run-command-"))
  await chmod(root, 0o755)
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe("the environment of a build", () => {
  const seen = async (environment: NodeJS.ProcessEnv, installer: Installer | undefined) => {
    const script = ["REQUESTS_CA_BUNDLE", "PIP_CERT"].map((name) => `$(printenv ${name} || echo none)`).join(" ")
    const lines: Array<string> = []
    await runCommand(
      root,
      { file: "sh", args: ["-c", `echo ${script}`], label: "echo" },
      {
        environment: { PATH: process.env["PATH"], ...environment },
        network: {},
        nodeFolder: dirname(process.execPath),
        marker: "test/build-1",
        installer,
        signal: new AbortController().signal,
        onLine: (line) => lines.push(line)
      }
    )
    return lines.join("\n")
  }
  const file = async (name: string, mode: number) => {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), "x")
    await chmod(join(root, name), mode)
    return join(root, name)
  }

  it("has the operator's bundle of authorities", async () => {
    const bundle = await file("ca.crt", 0o600)
    expect(await seen({ REQUESTS_CA_BUNDLE: bundle, PIP_CERT: bundle }, undefined)).toBe(`${bundle} ${bundle}`)
  })

  it.skipIf(process.getuid?.() !== 0)("has it as another user only if that user can read it", async () => {
    const installer = { uid: 65_534, gid: 65_534, home: root }
    const [open, closed] = [await file("open.crt", 0o644), await file("closed.crt", 0o600)]
    expect(await seen({ REQUESTS_CA_BUNDLE: open, PIP_CERT: closed }, installer)).toBe(`${open} none`)
    const inside = await file("folder/inside.crt", 0o644)
    await chmod(join(root, "folder"), 0o700)
    expect(await seen({ REQUESTS_CA_BUNDLE: inside, PIP_CERT: open }, installer)).toBe(`none ${open}`)
  })
})
