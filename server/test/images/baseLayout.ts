import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync } from "node:fs"
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { findTool } from "../registry/missingTools.ts"

const run = promisify(execFile)

/** The content of a base image: programs of this machine, with their libraries. */
export interface BaseContent {
  /** This Node (npm's `node@24`) as `/usr/local/bin/node`. */
  readonly node?: boolean
  /** Debian's Python, with its standard library. */
  readonly python?: boolean
  /** A shell and tools of Debian's busybox-static. @default true */
  readonly shell?: boolean
  /** Names of programs that only exist, for images that nobody runs. */
  readonly stubs?: ReadonlyArray<string>
  /** @default that of this machine */
  readonly architecture?: string
}

const librariesOf = async (program: string): Promise<ReadonlyArray<string>> => {
  const { stdout } = await run("ldd", [program])
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? [])
}

const put = async (root: string, source: string, target: string) => {
  await mkdir(dirname(join(root, target)), { recursive: true })
  await cp(source, join(root, target), { recursive: true, dereference: true })
}

const putProgram = async (root: string, source: string, target: string) => {
  await put(root, source, target)
  chmodSync(join(root, target), 0o755)
  for (const library of await librariesOf(source)) await put(root, library, library)
}

const putPython = async (root: string) => {
  const { stdout } = await run("/usr/bin/python3", [
    "-c",
    "import sys, sysconfig; print(sys.version_info[1], sysconfig.get_path('stdlib'))"
  ])
  const [minor = "", library = ""] = stdout.trim().split(" ")
  await putProgram(root, "/usr/bin/python3", `/usr/bin/python3.${minor}`)
  await symlink(`python3.${minor}`, join(root, "usr/bin/python3"))
  await mkdir(join(root, library), { recursive: true })
  for (const name of await readdir(library))
    if (!["test", "idlelib", "tkinter", "__pycache__", "ensurepip"].includes(name))
      await put(root, join(library, name), join(library, name))
  for (const name of await readdir(join(root, library, "lib-dynload")).catch(() => []))
    for (const one of await librariesOf(join(root, library, "lib-dynload", name))) await put(root, one, one)
}

const digestOf = (content: Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`

const putBlob = async (layout: string, mediaType: string, content: Buffer) => {
  const digest = digestOf(content)
  await writeFile(join(layout, "blobs/sha256", digest.slice(7)), content)
  return { mediaType, digest, size: content.length }
}

/** Debian's busybox, Node and Python in an OCI layout with the tag `base`, which other code than ours writes. Returns its folder. */
export const makeBaseLayout = async (content: BaseContent = {}): Promise<string> => {
  const folder = temporaryFolder("base-")
  const [root, layout] = [join(folder, "root"), join(folder, "layout")]
  await mkdir(join(root, "usr/bin"), { recursive: true })
  await mkdir(join(root, "tmp"))
  chmodSync(join(root, "tmp"), 0o1777)
  if (content.shell !== false) {
    await put(root, findTool("busybox") ?? "busybox", "bin/busybox")
    for (const name of ["sh", "env", "realpath", "dirname", "ls", "cat", "id", "sleep"])
      await symlink("busybox", join(root, "bin", name))
    await symlink("/bin/env", join(root, "usr/bin/env"))
  }
  if (content.node === true) await putProgram(root, process.execPath, "/usr/local/bin/node")
  if (content.python === true) await putPython(root)
  for (const name of content.stubs ?? []) await writeFile(join(root, "usr/bin", name), "#!/bin/sh\n", { mode: 0o755 })
  // The parts of the C library that packages with native code load by themselves.
  const { stdout: installed } = await run("dpkg", ["--listfiles", "libc6", "libgcc-s1", "libstdc++6"])
  for (const file of installed.split("\n"))
    if (/\/lib[\w+-]+\.so\.\d+$|\/ld-linux[\w-]*\.so\.\d+$/.test(file) && !file.includes("gconv"))
      await put(root, file, file)
  await mkdir(join(layout, "blobs/sha256"), { recursive: true })
  const file = join(folder, "layer.tar")
  await run("tar", ["--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--file", file, "-C", root, "."])
  const layer = await readFile(file)
  const architecture = content.architecture ?? (process.arch === "x64" ? "amd64" : process.arch)
  const stored = await putBlob(layout, "application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(layer, { level: 1 }))
  const config = await putBlob(
    layout,
    "application/vnd.oci.image.config.v1+json",
    Buffer.from(
      JSON.stringify({
        architecture,
        os: "linux",
        config: {
          Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
          Cmd: ["sh"],
          Labels: { "org.example.base": "yes" }
        },
        rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
        history: [{ created_by: "tar" }, { created_by: "CMD sh", empty_layer: true }]
      })
    )
  )
  const mediaType = "application/vnd.oci.image.manifest.v1+json"
  const manifest = await putBlob(
    layout,
    mediaType,
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [stored] }))
  )
  const annotations = { "org.opencontainers.image.ref.name": "base" }
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(layout, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] })
  )
  for (const path of [root, file]) await rm(path, { recursive: true })
  return layout
}
