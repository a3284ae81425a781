import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../../../sdk/test/temporaryFolder.ts"

/** Uses up its descriptors while a folder's database runs, and reports how it then sees the database. */
const program = (folder: string) => `
import { closeSync, existsSync, openSync } from "node:fs"
import { makeEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, "EmbeddedPostgres.ts"))}
const postgres = await makeEmbeddedPostgres(${JSON.stringify(folder)})
await postgres.start()
const said = {}
const opened = []
const looked = (name) => {
  try { said[name] = String(postgres.isRunning()) } catch (cause) { said[name] = cause.code }
}
try {
  for (;;) opened.push(openSync("/dev/null", "r"))
} catch {}
looked("without")
said.start = await postgres.start().then(() => "started", (error) => error.message)
for (const file of opened) closeSync(file)
said.kept = existsSync(${JSON.stringify(join(folder, "postgres/data/postmaster.pid"))})
looked("with")
await postgres.stop()
console.log(JSON.stringify(said))
process.exit()
`

describe("an embedded database whose server has no descriptors left", () => {
  it("isn't mistaken for a stopped one, and keeps its lock file", ({ skip }) => {
    if (process.platform !== "linux") skip("descriptors are counted by /proc")
    const { stderr, stdout } = spawnSync(
      "sh",
      [
        "-c",
        'ulimit -n 100 && exec "$@"',
        "sh",
        process.execPath,
        "--input-type=module-typescript",
        "-e",
        program(temporaryFolder("descriptors-"))
      ],
      { encoding: "utf8" }
    )
    expect(stdout, stderr).not.toBe("")
    const said = JSON.parse(stdout)
    expect([said.without, said.kept, said.with]).toStrictEqual(["EMFILE", true, "true"])
    expect(said.start).toMatch(/^Couldn't start the database\. All file descriptors of .* are in use\. Raise the limit/)
  })
})
