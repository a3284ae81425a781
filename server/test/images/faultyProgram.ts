import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The program that fails as it is told to, built for a processor: one static file. Needs Go. */
export const buildFaultyProgram = async (architecture: "amd64" | "arm64"): Promise<Buffer> => {
  const folder = await mkdtemp(join(tmpdir(), "faulty-"))
  try {
    const output = join(folder, "faulty")
    await run("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", output, "."], {
      cwd: join(import.meta.dirname, "faulty"),
      env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: architecture }
    })
    return await readFile(output)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
