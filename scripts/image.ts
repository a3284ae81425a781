/**
 * Writes the files for the Containerfile to `dist/image`: the CLI and the server as published packages. Run `node scripts/build.ts`
 * first. With a name (`npm run image -- NAME`) it also builds the image with podman or docker. The variable BASE selects another base image.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const target = join(root, "dist/image/node_modules/@maxcloud")

rmSync(join(root, "dist/image"), { recursive: true, force: true })
for (const name of ["cli", "server"]) {
  const source = join(root, name)
  if (!existsSync(join(source, "dist")))
    throw new Error(`${name}/dist doesn't exist. Run \`node scripts/build.ts\` first.`)
  const folder = join(target, name)
  mkdirSync(folder, { recursive: true })
  for (const part of ["bin", "dist"]) {
    if (!existsSync(join(source, part))) continue
    cpSync(join(source, part), join(folder, part), { recursive: true, filter: (path) => !path.endsWith(".d.ts") })
  }
  const { publishConfig, bin, type, version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"))
  const described = { name: `@maxcloud/${name}`, version, type, bin, ...publishConfig }
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(described, null, 2)}\n`)
}
console.log(`wrote ${join(root, "dist/image")}`)

/** Undefined: the program isn't installed. */
const build = (engine: string, name: string) => {
  const base = process.env["BASE"]
  const { error, status } = spawnSync(
    engine,
    [
      "build",
      "--tag",
      name,
      ...(base === undefined ? [] : ["--build-arg", `BASE=${base}`]),
      "--file",
      "Containerfile",
      "."
    ],
    { cwd: root, stdio: "inherit" }
  )
  return error === undefined ? (status ?? 1) : undefined
}

const [name] = process.argv.slice(2)
if (name !== undefined) {
  const engine = ["podman", "docker"].find((program) => {
    const status = build(program, name)
    if (status !== undefined && status !== 0) process.exit(status)
    return status === 0
  })
  if (engine === undefined) {
    console.error(
      "Neither podman nor docker is installed. Install one (Debian: `apt-get install podman`), then run it again."
    )
    process.exit(1)
  }
  console.log(`built: ${name}. Push it: ${engine} push ${name}`)
}
