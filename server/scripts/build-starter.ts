/**
 * Compiles `starter.c` for each architecture and writes `starterPrograms.ts`. The compiler is Zig 0.13.0, which produces the same
 * bytes on every machine: `pip install ziglang==0.13.0`, then `node server/scripts/build-starter.ts <python of that environment>`.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = join(import.meta.dirname, "../src/runtimes/local/instances/starter")
const source = join(folder, "starter.c")
const out = mkdtempSync(join(tmpdir(), "starter-"))
const flags = [
  "-Os",
  "-nostdlib",
  "-ffreestanding",
  "-fno-builtin",
  "-fno-stack-protector",
  "-fno-unwind-tables",
  "-fno-asynchronous-unwind-tables",
  "-fno-sanitize=all",
  "-static",
  "-s",
  "-Wall",
  "-Wextra",
  // arm64 kernels may use pages of 64 KiB.
  "-Wl,-z,max-page-size=65536"
]

const programs = Object.entries({ amd64: "x86_64", arm64: "aarch64" }).map(([name, target]) => {
  const file = join(out, name)
  execFileSync(
    process.argv[2] ?? "python3",
    ["-m", "ziglang", "cc", "-target", `${target}-linux-none`, ...flags, "-o", file, source],
    { cwd: folder, stdio: "inherit" }
  )
  const text = readFileSync(file).toString("base64")
  const lines = text.match(/.{1,110}/g) ?? []
  return `  ${name}: [\n${lines.map((line) => `    "${line}"`).join(",\n")}\n  ]`
})
rmSync(out, { recursive: true, force: true })

const digest = createHash("sha256").update(readFileSync(source)).digest("hex")
writeFileSync(
  join(folder, "starterPrograms.ts"),
  `// Made by server/scripts/build-starter.ts from starter.c: do not edit.

/** SHA-256 of the programs' source. */
export const sourceDigest = "${digest}"

/** ELF programs in Base64, by architecture in Go's naming. */
export const starterPrograms = {
${programs.join(",\n")}
} as const
`
)
