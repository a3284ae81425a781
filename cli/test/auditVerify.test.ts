import { generateKeyPairSync } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { exportOf, signer, type TestEntry } from "../../sdk/test/auditExport.ts"
import { makeFolder, run } from "./cli.ts"

const entry = (subject: string): TestEntry => ({
  action: "apps.deploy",
  email: "ada@example.com",
  subject,
  requestId: null,
  checkpoint: subject === "b"
})
const key = signer()
const lines = exportOf(["a", "b", "c"].map(entry), key)
const content = `${lines.join("\n")}\n`
const other = generateKeyPairSync("ed25519").publicKey.export({ format: "pem", type: "spki" }).toString()

const folder = makeFolder({})
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return name
}
/** No server listens here. */
const verify = (args: ReadonlyArray<string>, stdin?: string) =>
  run(["audit", "verify", ...args], {
    cwd: folder,
    env: { MAXCLOUD_API_URL: "http://127.0.0.1:1" },
    ...(stdin === undefined ? {} : { stdin })
  })

describe("maxcloud audit verify", () => {
  it("confirms that an export is intact, from a file and from standard input", async () => {
    file("audit.jsonl", content)
    const [fromFile, fromStdin] = await Promise.all([verify(["audit.jsonl"]), verify(["-", "--json"], content)])
    expect(fromFile).toMatchObject({ code: 0, stdout: expect.stringContaining("is intact: 3 entries, 2 checkpoints") })
    expect(fromFile.stderr).toContain("--public-key")
    expect(JSON.parse(fromStdin.stdout)).toMatchObject({ ok: true, entries: 3, pinned: { publicKey: false } })
  })

  it("warns about checkpoints that the server left out, without failing", async () => {
    const end = lines.at(-1)?.replace('"entries":3}', '"entries":3,"leftOut":2}') ?? ""
    const found = await verify([file("left-out.jsonl", `${[...lines.slice(0, -1), end].join("\n")}\n`)])
    expect(found).toMatchObject({ code: 0, stderr: expect.stringContaining("warning: 2 checkpoints were left out") })
  })

  it("names the line that was changed, with exit code 1", async () => {
    const changed = file("changed.jsonl", content.replace("apps.deploy", "apps.delete"))
    const [text, json] = await Promise.all([verify([changed]), verify([changed, "--json"])])
    expect(text).toMatchObject({ code: 1, stderr: expect.stringContaining("line 2: entry 1 doesn't match its hash") })
    expect(json.code).toBe(1)
    expect(`${json.stdout}${json.stderr}`).toContain('"HashMismatch"')
  })

  it("checks an export against a pinned key and checkpoint", async () => {
    file("audit.jsonl", content)
    file("cut.jsonl", `${[...lines.slice(0, 4), '{"end":{"checkpoints":1,"entries":2}}'].join("\n")}\n`)
    file("key.pem", key.publicKey)
    file("other.pem", other)
    const [right, foreign, cut, unpinned, none, missing] = await Promise.all([
      verify(["audit.jsonl", "--public-key", "key.pem", "--checkpoint", "cut.jsonl"]),
      verify(["audit.jsonl", "--public-key", "other.pem"]),
      verify(["cut.jsonl", "--checkpoint", "audit.jsonl"]),
      verify(["cut.jsonl"]),
      verify(["audit.jsonl", "--public-key", "audit.jsonl"]),
      verify(["nowhere.jsonl"])
    ])
    expect(right).toMatchObject({ code: 0, stderr: expect.stringContaining("public key and checkpoint") })
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining("isn't a pinned public key") })
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining("pinned checkpoint is for entry 3") })
    expect(unpinned.code).toBe(0)
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("has no public key") })
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("Couldn't read nowhere.jsonl") })
  })
})
