import { execFile } from "node:child_process"
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { ownUlimits } from "../../src/base/host/ownUlimits.ts"
import { findTool } from "./missingTools.ts"

const run = promisify(execFile)

/** The shared libraries that a program of this machine is loaded with. */
const librariesOf = async (program: string): Promise<ReadonlyArray<string>> => {
  const { stdout } = await run("ldd", [program])
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? [])
}

/**
 * Builds and tags an image from only a program of this machine with its libraries, these files and lines of a Containerfile,
 * without a registry. Returns when `podman images` shows it.
 */
const buildFromProgram = async (options: {
  readonly tag: string
  readonly program: string
  readonly target: string
  readonly files: Readonly<Record<string, string>>
  readonly lines: ReadonlyArray<string>
}): Promise<void> => {
  const context = await mkdtemp(join(tmpdir(), "image-"))
  try {
    const put = async (source: string, target: string) => {
      await mkdir(join(context, "root", dirname(target)), { recursive: true })
      await copyFile(source, join(context, "root", target))
    }
    await put(options.program, options.target)
    for (const library of await librariesOf(options.program)) await put(library, library)
    for (const [path, content] of Object.entries(options.files)) {
      await mkdir(join(context, "root", dirname(path)), { recursive: true })
      await writeFile(join(context, "root", path), content)
    }
    await mkdir(join(context, "root/tmp"), { recursive: true })
    await writeFile(join(context, "Containerfile"), ["FROM scratch", "COPY root /", ...options.lines, ""].join("\n"))
    await run("podman", ["build", "--quiet", "--no-cache", "--tag", options.tag, context])
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** The smallest runnable image: a program that exits at once with code 0. */
export const buildTrueImage = (tag: string): Promise<void> =>
  buildFromProgram({ tag, program: "/bin/true", target: "/bin/true", files: {}, lines: ['ENTRYPOINT ["/bin/true"]'] })

/** An image with only Node, `ENTRYPOINT ["node", "-e"]`: the program is its argument. */
export const buildNodeImage = (tag: string): Promise<void> =>
  buildFromProgram({
    tag,
    program: process.execPath,
    target: "/usr/bin/node",
    files: { "/etc/passwd": "root:x:0:0:root:/:/sbin/nologin\n" },
    lines: ["ENV PATH=/usr/bin", 'ENTRYPOINT ["/usr/bin/node", "-e"]', `CMD ["console.log('no program')"]`]
  })

/** Stands in for the base of the project's Containerfile (`--build-arg BASE=`) if no registry has one: this machine's Node. */
export const buildNodeBase = (tag: string): Promise<void> =>
  buildFromProgram({
    tag,
    program: process.execPath,
    target: "/usr/bin/node",
    files: { "/etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nmaxcloud:x:65532:65532::/:/sbin/nologin\n" },
    lines: ["ENV PATH=/usr/bin"]
  })

const nginxConfig = `
daemon off;
worker_processes 1;
user www-data;
error_log /dev/stderr notice;
events { worker_connections 256; }
http {
  access_log /dev/stdout;
  server {
    listen 80;
    location / { root /usr/share/nginx/html; }
  }
}
`

/**
 * Debian's nginx in an image that behaves like the official one where it matters: starts as root, listens on port 80, stops on
 * SIGQUIT, greets with "Welcome to nginx!". Its own files give it a digest that no node knows yet.
 */
export const buildNginxImage = (tag: string, files: Readonly<Record<string, string>> = {}): Promise<void> =>
  buildFromProgram({
    tag,
    program: findTool("nginx") ?? "nginx",
    target: "/usr/sbin/nginx",
    files: {
      "/etc/passwd": "root:x:0:0:root:/:/sbin/nologin\nwww-data:x:33:33::/:/sbin/nologin\n",
      "/etc/group": "root:x:0:\nwww-data:x:33:\n",
      "/etc/nginx/nginx.conf": nginxConfig,
      "/usr/share/nginx/html/index.html": "<h1>Welcome to nginx!</h1>\n",
      "/var/lib/nginx/.keep": "",
      "/var/log/nginx/.keep": "",
      "/run/.keep": "",
      ...files
    },
    lines: ["EXPOSE 80", "STOPSIGNAL SIGQUIT", 'ENTRYPOINT ["/usr/sbin/nginx"]', 'CMD ["-c", "/etc/nginx/nginx.conf"]']
  })

/**
 * Stands in for Docker Hub's `node:24`: this machine's Node (npm's `node@24`) and npm, a shell and tools of Debian's
 * busybox-static, and this machine's certificate authorities.
 */
export const buildNpmImage = async (tag: string): Promise<void> => {
  const context = await mkdtemp(join(tmpdir(), "image-"))
  const root = join(context, "root")
  try {
    const put = async (source: string, target: string) => {
      await mkdir(join(root, dirname(target)), { recursive: true })
      await cp(source, join(root, target), { recursive: true, dereference: true })
    }
    const { stdout: modules } = await run("npm", ["root", "--global"])
    await put(process.execPath, "usr/bin/node")
    for (const library of await librariesOf(process.execPath)) await put(library, library)
    await put(join(modules.trim(), "npm"), "usr/lib/node_modules/npm")
    await put("/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt")
    await put(findTool("busybox") ?? "busybox", "bin/busybox")
    await put("/etc/passwd", "etc/passwd")
    await mkdir(join(root, "tmp"))
    const npm = '#!/bin/sh\nexec node /usr/lib/node_modules/npm/bin/npm-cli.js "$@"\n'
    await writeFile(join(root, "usr/bin/npm"), npm, { mode: 0o755 })
    const lines = [
      "FROM scratch",
      "COPY root /",
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
      "ENV PATH=/usr/bin:/bin NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
      'CMD ["node"]'
    ]
    await writeFile(join(context, "Containerfile"), `${lines.join("\n")}\n`)
    await run("podman", ["build", "--quiet", "--no-cache", ...ownUlimits(), "--tag", tag, context])
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

/** A shell and tools of Debian's busybox-static, the users root and `app` (1000), and these files, each with its mode. */
export const buildBusyboxImage = async (
  tag: string,
  options: {
    readonly files?: Readonly<Record<string, { readonly content: string | Buffer; readonly mode: number }>>
    readonly lines?: ReadonlyArray<string>
  } = {}
): Promise<void> => {
  const context = await mkdtemp(join(tmpdir(), "image-"))
  const root = join(context, "root")
  try {
    const files = {
      "/etc/passwd": { content: "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", mode: 0o644 },
      ...options.files
    }
    for (const [path, { content, mode }] of Object.entries(files)) {
      await mkdir(join(root, dirname(path)), { recursive: true })
      await writeFile(join(root, path), content, { mode })
    }
    await mkdir(join(root, "bin"), { recursive: true })
    await copyFile(findTool("busybox") ?? "busybox", join(root, "bin/busybox"))
    const lines = [
      "FROM scratch",
      "COPY root /",
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]',
      "ENV PATH=/bin",
      ...(options.lines ?? ['CMD ["sh"]'])
    ]
    await writeFile(join(context, "Containerfile"), `${lines.join("\n")}\n`)
    await run("podman", [
      "build",
      // The search for a cached layer fails if another test removes an image meanwhile.
      "--no-cache",
      "--quiet",
      "--format",
      "docker",
      ...ownUlimits(),
      "--tag",
      tag,
      context
    ])
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}
