import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { verifyInstalled } from "./verifyInstalled.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-venv-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const packages = () => join(folder, ".venv/lib/python3.12/site-packages")
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(packages(), path)), { recursive: true })
  writeFileSync(join(packages(), path), text)
}
const install = (files: Readonly<Record<string, string>>) => {
  for (const [path, text] of Object.entries(files)) write(path, text)
  const listed = Object.entries(files).map(
    ([path, text]) => `${path.includes(",") ? `"${path}"` : path},sha256=x,${Buffer.byteLength(text)}`
  )
  const others = ["../../../bin/flask,sha256=x,999", "flask/__pycache__/a.pyc,,", "flask-3.0.dist-info/RECORD,,", ""]
  write("flask-3.0.dist-info/RECORD", [...listed, ...others].join("\n"))
}
const whole = { "flask/__init__.py": "", "flask/app.py": "print()\n", "flask/a, b.txt": "x" }

describe("the packages installed for Python", () => {
  it("are accepted if they are complete, or files have grown", async () => {
    install(whole)
    write("flask/app.py", "print()\nprint()\n")
    await verifyInstalled(folder)
  })

  it("are refused if a file has shrunk or is missing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("flask/app.py", "flask/a, b.txt"), fc.boolean(), async (path, isGone) => {
        install(whole)
        if (isGone) rmSync(join(packages(), path))
        else truncateSync(join(packages(), path), 0)
        await expect(verifyInstalled(folder)).rejects.toMatchObject({ reason: "unavailable" })
        await expect(verifyInstalled(folder)).rejects.toThrow(`of flask-3.0: ${path} instead of`)
      }),
      { numRuns: 20 }
    )
  })

  it("aren't searched where a build has linked elsewhere", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "maxcloud-elsewhere-"))
    mkdirSync(join(elsewhere, "a.dist-info"))
    writeFileSync(join(elsewhere, "a.dist-info/RECORD"), "secret,sha256=x,5")
    mkdirSync(dirname(packages()), { recursive: true })
    symlinkSync(elsewhere, packages())
    await verifyInstalled(folder)
    rmSync(elsewhere, { recursive: true })
    await verifyInstalled(join(folder, "nowhere"))
  })
})
