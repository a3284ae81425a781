/**
 * The server of a static site. Its argument is the site's folder; it listens on `PORT`. It is bundled into one text (`program.ts`), which a build
 * writes beside the site.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import { join, resolve } from "node:path"
import type { Readable } from "node:stream"
import sirv from "sirv"

const root = resolve(process.argv[2] ?? ".")
const port = Number(process.env["PORT"] ?? 8080)

const pagesIn = (folder: string): number =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".html")
  ).length

const notFoundPage = join(root, "404.html")
const notFound = existsSync(notFoundPage) ? readFileSync(notFoundPage) : undefined
// With one page and no 404 page, it's an app that routes in the browser. With more pages, a missing path is a 404.
const isSinglePage = notFound === undefined && existsSync(join(root, "index.html")) && pagesIn(root) === 1

const hashedFolders = ["/_app/immutable/", "/_next/static/", "/_nuxt/", "/_astro/"]

/** Bundlers put a hash of the content into names (`index-B7f_x2Qa.js`, `main.1a2b3c4d.css`), so the content of such a file never changes. */
const isHashed = (path: string): boolean => {
  if (hashedFolders.some((hashedFolder) => path.includes(hashedFolder))) return true
  const stem = path.slice(path.lastIndexOf("/") + 1, path.lastIndexOf("."))
  if (path.endsWith(".html")) return false
  const ofWebpack = /^[0-9a-f]{8,64}$/.test(stem.slice(stem.lastIndexOf(".") + 1)) && stem.includes(".")
  const before = stem.at(-9)
  const last = stem.slice(-8)
  return (
    ofWebpack ||
    ((before === "-" || before === ".") && /^[\w-]{8}$/.test(last) && /[0-9A-Z]/.test(last) && /[A-Za-z]/.test(last))
  )
}

/** Files that describe a project and aren't part of its site. */
const isHidden = (path: string): boolean =>
  /^\/(?:maxcloud\.config\.\w+|package(?:-lock)?\.json|npm-shrinkwrap\.json|pnpm-(?:lock|workspace)\.yaml|yarn\.lock|bun\.lockb?|node_modules\/.*|Dockerfile|Containerfile|tsconfig(?:\.\w+)?\.json)$/i.test(
    path
  ) || path.split("/").some((name) => name.startsWith(".") && name !== ".well-known")

const serve = sirv(root, {
  etag: true,
  gzip: true,
  brotli: true,
  single: isSinglePage,
  dotfiles: true,
  setHeaders: (response, path) => {
    response.setHeader(
      "Cache-Control",
      isHashed(path) ? "public, max-age=31536000, immutable" : "public, max-age=0, must-revalidate"
    )
    response.setHeader("X-Content-Type-Options", "nosniff")
  }
})

/** The ranges that sirv supports: from one byte to another, or to the end. For any other `Range`, the whole file is a valid response too. */
const isPlainRange = (range: string): boolean => {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range) ?? []
  return from !== undefined && (to === "" || (Number(to) > 0 && Number(from) <= Number(to)))
}

/** If a file can't be read, end its response. If the caller leaves, stop reading. */
const tieFile = (response: ServerResponse) =>
  response.once("pipe", (file: Readable) => {
    file.once("error", (cause) => {
      process.stderr.write(`${cause.message}\n`)
      response.destroy()
    })
    response.once("close", () => file.destroy())
  })

const server = createServer((request, response) => {
  const isRead = request.method === "GET" || request.method === "HEAD"
  const missing = () => {
    response.writeHead(404, {
      "content-type": notFound === undefined ? "text/plain; charset=utf-8" : "text/html; charset=utf-8",
      "cache-control": "public, max-age=0, must-revalidate"
    })
    response.end(request.method === "HEAD" ? undefined : (notFound ?? "Not found\n"))
  }
  if (!isRead) {
    response.writeHead(405, { allow: "GET, HEAD" })
    return response.end()
  }
  let path: string
  try {
    path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname)
  } catch {
    response.writeHead(400)
    return response.end()
  }
  if (isHidden(path)) return missing()
  const { range } = request.headers
  if (range !== undefined && (request.headers["if-range"] !== undefined || !isPlainRange(range)))
    delete request.headers.range
  tieFile(response)
  return serve(request, response, missing)
})

server.listen(port, process.env["HOST"])
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
