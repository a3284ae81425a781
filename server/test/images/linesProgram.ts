import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The program that writes numbered lines, as one static file. Needs Go. */
export const buildLinesProgram = async (architecture: "amd64" | "arm64" = "amd64"): Promise<Buffer> => {
  const folder = await mkdtemp(join(tmpdir(), "lines-"))
  try {
    const output = join(folder, "lines")
    await run("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", output, "."], {
      cwd: join(import.meta.dirname, "lines"),
      env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: architecture }
    })
    return await readFile(output)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
