import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { dockerRules } from "./ignoreRules.ts"
import { type Snapshot, snapshotOf } from "./snapshot.ts"
import { sourceFilterOf } from "./sourceFilter.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "maxcloud-snapshot-"))
})
afterEach(() => rm(root, { recursive: true }))

const write = async (files: Readonly<Record<string, string>>) => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}
const take = (folder = root): Promise<Snapshot> => Effect.runPromise(snapshotOf(folder))
const failure = async (folder = root): Promise<string> => {
  const result = await Effect.runPromise(Effect.either(snapshotOf(folder)))
  return Either.isLeft(result) ? result.left.message : expect.unreachable("it did not fail")
}
/** The paths that `tar` lists. */
const pathsOf = async (snapshot: Snapshot): Promise<ReadonlyArray<string>> => {
  const listed = execFileSync("tar", ["-tzf", "-", "--quoting-style=literal"], {
    input: await buffer(snapshot.archive())
  })
  return String(listed)
    .split("\n")
    .filter((line) => line !== "")
}

describe("snapshotOf", () => {
  it("has the format's digest, entries sorted by bytes, and modes", async () => {
    await write({ b: "B", "a/c": "C", "a.txt": "" })
    await chmod(join(root, "b"), 0o755)
    await symlink("a/c", join(root, "link"))
    const sha = (text: string) => createHash("sha256").update(text).digest("hex")
    const lines = [
      `644\0a.txt\0${sha("")}`,
      `644\0a/c\0${sha("C")}`,
      `755\0b\0${sha("B")}`,
      `link\0link\0${sha("a/c")}`
    ]
    const snapshot = await take()
    expect(snapshot.digest).toBe(`sha256:${sha(lines.map((line) => `${line}\n`).join(""))}`)
    expect(await pathsOf(snapshot)).toStrictEqual(["a.txt", "a/c", "b", "link"])
    expect(snapshot.files).toBe(4)
    expect(snapshot.bytes).toBe(2)
  })

  it("creates an archive that unpacks to the same content, including long and non-ASCII names and large files", async () => {
    const long = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(90)}`
    await write({ [long]: "long", "ü/名": "foreign", large: "x".repeat(3_000_001), exact: "y".repeat(1024) })
    await symlink(`${"d".repeat(90)}/${"e".repeat(90)}`, join(root, "far"))
    const snapshot = await take()
    const out = await mkdtemp(join(tmpdir(), "maxcloud-unpacked-"))
    try {
      execFileSync("tar", ["-xzf", "-", "-C", out], { input: await buffer(snapshot.archive()) })
      expect((await take(out)).digest).toBe(snapshot.digest)
      expect(await readFile(join(out, long), "utf8")).toBe("long")
    } finally {
      await rm(out, { recursive: true })
    }
  })

  it("creates the same bytes each time", async () => {
    await write({ a: "A", "b/c": "C" })
    const snapshot = await take()
    expect(await buffer(snapshot.archive())).toStrictEqual(await buffer((await take()).archive()))
  })

  it("leaves out .git, node_modules and .maxcloud at any depth, and files that .gitignore names", async () => {
    await write({
      "index.js": "1",
      ".git/HEAD": "",
      "node_modules/a/index.js": "",
      "packages/a/node_modules/b.js": "",
      "packages/a/.maxcloud/x": "",
      "packages/a/keep.log": "",
      "packages/a/.gitignore": "!keep.log\n",
      ".gitignore": "*.log\n/dist/\n",
      "x.log": "",
      "dist/x.js": "",
      "src/dist/x.js": ""
    })
    expect(await pathsOf(await take())).toStrictEqual([
      ".gitignore",
      "index.js",
      "packages/a/.gitignore",
      "packages/a/keep.log",
      "src/dist/x.js"
    ])
  })

  it("leaves out the app's config, which a compiler would include, but not configs in subfolders", async () => {
    await write({ "a.ts": "", "tsconfig.json": "{}" })
    const { digest } = await take()
    await write({ "maxcloud.config.ts": "import x", "maxcloud.config.yaml": "app: x" })
    expect((await take()).digest).toBe(digest)
    await write({ "examples/maxcloud.config.ts": "import x" })
    expect(await pathsOf(await take())).toStrictEqual(["a.ts", "examples/maxcloud.config.ts", "tsconfig.json"])
    const isSource = await sourceFilterOf(root)
    expect(await isSource("maxcloud.config.ts")).toBe(false)
    expect(await isSource("examples/maxcloud.config.ts")).toBe(true)
  })

  it("leaves out files that are secret by convention and reports them, unless a rule re-includes them", async () => {
    const secret = [
      ".env",
      "deep/.env.production",
      "id_rsa",
      ".aws/credentials",
      "home/.ssh/key",
      "keys/tls.pem",
      "tls.key",
      "store.p12",
      ".netrc"
    ]
    const open = [
      ".env.example",
      ".env.template",
      "id_rsa.pub",
      "keys/ca.pem",
      "env",
      "credentials",
      "translations.key"
    ]
    const key = "-----BEGIN PRIVATE KEY-----"
    await write(Object.fromEntries([...secret.map((value) => [value, key]), ...open.map((value) => [value, "open"])]))
    const snapshot = await take()
    expect([...snapshot.leftOut].sort()).toStrictEqual([...secret].sort())
    expect(await pathsOf(snapshot)).toStrictEqual([...open].sort())
    for (const rules of [".gitignore", ".dockerignore"]) {
      await write({ [rules]: "*.log\n!deep/.env.production\n!tls.key\n" })
      const { leftOut } = await take()
      expect([...leftOut].sort(), rules).toStrictEqual(
        secret.filter((value) => !/production|tls\.key/.test(value)).sort()
      )
    }
  })

  it("leaves out secrets below folders that an allow-list re-includes", async () => {
    await write({ "src/.env": "", "src/id_rsa": "", "src/a.js": "", ".env": "" })
    const lists = ["*\n!src\n!/.env\n", "*\n!src/**\n!*\n!/.env\n", "**\n!**/\n!src/*\n!/.env\n"]
    for (const rules of [".gitignore", ".dockerignore"]) {
      for (const list of lists) {
        await write({ [rules]: list })
        const snapshot = await take()
        const taken = await pathsOf(snapshot)
        for (const secret of ["src/.env", "src/id_rsa"]) expect(taken, `${rules}: ${list}`).not.toContain(secret)
        expect(taken, `${rules}: ${list}`).toContain(".env")
      }
      await rm(join(root, rules))
    }
  })

  it("sends the settings of package managers without their credentials", async () => {
    const npmrc = "registry=https://r.example.com/\n//r.example.com/:_authToken = TOKEN\n_auth=abc\nengine-strict=true"
    await write({
      ".npmrc": npmrc,
      ".yarnrc.yml": 'nodeLinker: node-modules\nnpmScopes:\n  a:\n    npmAuthToken: "x"\n'
    })
    const snapshot = await take()
    expect(snapshot.leftOut).toStrictEqual([".npmrc (its credentials)", ".yarnrc.yml (its credentials)"])
    const out = await mkdtemp(join(tmpdir(), "maxcloud-unpacked-"))
    try {
      execFileSync("tar", ["-xzf", "-", "-C", out], { input: await buffer(snapshot.archive()) })
      expect(await readFile(join(out, ".npmrc"), "utf8")).toBe("registry=https://r.example.com/\nengine-strict=true")
      expect(await readFile(join(out, ".yarnrc.yml"), "utf8")).not.toContain("npmAuthToken")
      expect((await take(out)).digest).toBe(snapshot.digest)
    } finally {
      await rm(out, { recursive: true })
    }
  })

  it("reads .gitignore case-sensitively, as git on Linux does", async () => {
    await write({ ".gitignore": "logs\n", "src/Logs/a.js": "", "src/logs/b.js": "" })
    expect(await pathsOf(await take())).toStrictEqual([".gitignore", "src/Logs/a.js"])
  })

  it("reports a name that isn't UTF-8, and can leave it out", async () => {
    await write({ "a.js": "" })
    const name = Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9]), Buffer.from(".txt")])
    await writeFile(name, "")
    expect(await failure()).toMatch(/the name of "caf\ufffd\.txt" in .* isn't UTF-8: rename it/)
    await write({ ".gitignore": "*.txt\n", "ok\ufffd.js": "" })
    expect(await pathsOf(await take())).toStrictEqual([".gitignore", "a.js", "ok\ufffd.js"])
  })

  it("follows the .gitignore of the repository above, unless it excludes the source itself", async () => {
    await write({
      ".git/HEAD": "",
      ".gitignore": ".env\nbuild/\n",
      "api/.env": "SECRET=1",
      "api/a.js": "",
      "build/b.js": ""
    })
    expect(await pathsOf(await take(join(root, "api")))).toStrictEqual(["a.js"])
    expect(await pathsOf(await take(join(root, "build")))).toStrictEqual(["b.js"])
  })

  it("uses only .dockerignore if there is one", async () => {
    await write({
      ".gitignore": "a.js\n",
      ".dockerignore": "*.md\n!README.md\n",
      "a.js": "",
      "x.md": "",
      "README.md": ""
    })
    expect(await pathsOf(await take())).toStrictEqual([".dockerignore", ".gitignore", "README.md", "a.js"])
  })

  it("includes a Dockerfile that .dockerignore excludes from the image", async () => {
    await write({ ".dockerignore": "*\n!src\n", Dockerfile: "", "x.md": "", "src/a.js": "", "src/Dockerfile": "" })
    expect(await pathsOf(await take())).toStrictEqual([".dockerignore", "Dockerfile", "src/Dockerfile", "src/a.js"])
  })

  it("rejects a path that isn't a folder, an empty folder, and a link that leads outside", async () => {
    expect(await failure(join(root, "nope"))).toContain("doesn't exist: create it, or correct `source`")
    expect(await failure()).toContain("has no files")
    await write({ "a/file": "" })
    expect(await failure(join(root, "a/file"))).toContain("isn't a folder")
    for (const target of ["../../etc/passwd", "/etc/passwd"]) {
      await symlink(target, join(root, "a/link"))
      expect(await failure()).toContain(`the link a/link in ${root} points outside of it (${target})`)
      await rm(join(root, "a/link"))
    }
    await symlink("../b", join(root, "a/inside"))
    expect(await pathsOf(await take())).toStrictEqual(["a/file", "a/inside"])
  })

  it("refuses more than 1 GiB without reading it", async () => {
    await write({ huge: "" })
    await truncate(join(root, "huge"), 2 ** 30 + 1)
    expect(await failure()).toContain("has more than 1 GiB: exclude unneeded files with a .dockerignore")
  })

  it("fails instead of sending content that doesn't match the digest", async () => {
    await write({ a: "before" })
    const snapshot = await take()
    await write({ a: "after!" })
    const error: unknown = await buffer(snapshot.archive()).catch((cause: unknown) => cause)
    expect(String(error)).toContain(`a in ${root} changed while it was read`)
  })
})

describe("dockerRules", () => {
  const cases: ReadonlyArray<readonly [string, string, boolean]> = [
    ["node_modules", "node_modules/a.js", true],
    ["node_modules", "a/node_modules/b.js", false],
    ["**/node_modules", "a/node_modules/b.js", true],
    ["/dist/", "dist/a.js", true],
    ["*.md", "a/b.md", false],
    ["a?c", "abc", true],
    ["[ab].js", "b.js", true],
    ["a.js", "axjs", false],
    ["docs\n!docs/keep", "docs/keep", false],
    ["docs\n!docs/keep", "docs/other", true],
    ["*\n!src\nsrc/*.test.js", "src/a.test.js", true],
    ["*\n!src\nsrc/*.test.js", "src/a.js", false],
    ["# a comment\n\n", "a", false]
  ]
  it.each(cases)("%j on %s: %s", (content, path, expected) => {
    expect(dockerRules(content).isIgnored(path, false)).toBe(expected)
  })
})
