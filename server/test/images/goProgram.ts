import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** This machine's processor in Go's naming. */
export const thisArchitecture = process.arch === "arm64" ? "arm64" : "amd64"

/** One of the programs in this folder, built for a processor: one static file. Needs Go. */
export const buildGoProgram = async (
  name: string,
  architecture: "amd64" | "arm64" = thisArchitecture
): Promise<Buffer> => {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  try {
    const output = join(folder, name)
    await run("go", ["build", "-trimpath", "-ldflags=-s -w", "-o", output, "."], {
      cwd: join(import.meta.dirname, name),
      env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOARCH: architecture }
    })
    return await readFile(output)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
