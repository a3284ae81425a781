import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { parse } from "@babel/parser"
import { describe, expect, it } from "@effect/vitest"
import { nodesOf } from "./nodesOf.ts"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Words that tell the reader to remove something. */
const removal =
  /\b(?:remove|delete|erase|wipe|discard|purge|truncate|drop|unlink|empty(?= (?:the|its|your|this|that)\b)|throw away|get rid of|rm|rmdir|git clean|dropdb|begin anew|start afresh|start over|move \S+ (?:away|aside|out))\b/gi

/** Names of the data that the server keeps, as messages use them. */
const data =
  /\b(?:data|database|databases|folder|folders|volume|postgres|pgdata|cluster|sources|snapshots?|archives?|backups?|logs?|wal|secret\.key|[\w.]*\/[\w./]+|erasures\.jsonl|namespaces?|\.maxcloud)\b|…/i

/** Does the sentence tell the reader to do it? Then it begins with the word, or the word follows one that joins clauses. */
const isAdvice = (sentence: string, at: number) =>
  /(?:^|[,:;(`"]|→|\b(?:and|or|then|to|please|must|should|can|may|you)) ?[`"(]?$/i.test(sentence.slice(0, at))

const sentencesOf = (text: string) => text.split(/(?<=[.!?])\s+|\n\s*\n|(?<=:)\s{2,}/)

/** Does the text after the word name data, or refer to data in the text before it? */
const isAboutData = (before: string, after: string) =>
  data.test(after) || (/^\S+ (?:it|this|them|these|that|anew|over|afresh)\b/i.test(after) && data.test(before))

const adviceIn = (text: string): ReadonlyArray<string> => {
  const sentences = sentencesOf(text.replace(/\s*\n\s*/g, " "))
  return sentences.filter((sentence, i) =>
    [...sentence.matchAll(removal)].some(({ 0: word, index }) => {
      const before = sentence.slice(0, index)
      const after = sentence.slice(index + word.length, index + word.length + 90)
      return isAdvice(sentence, index) && isAboutData(`${sentences[i - 1] ?? ""} ${before}`, word + after)
    })
  )
}

const isText = (value: unknown): value is string => typeof value === "string"

/** Texts that people may read: those with a space in them, without SQL. `…` stands for a filled-in value. */
const textsOf = (file: string): ReadonlyArray<string> => {
  const { program } = parse(readFileSync(file, "utf8"), { sourceType: "module", plugins: ["typescript"] })
  const nodes = [...nodesOf(program)]
  const sql = new Set(nodes.flatMap((node) => (node["type"] === "TaggedTemplateExpression" ? [node["quasi"]] : [])))
  const textOf = (node: (typeof nodes)[number]) => {
    const { quasis, type, value } = node
    if (type === "TemplateLiteral" && Array.isArray(quasis) && !sql.has(node))
      return quasis.map((each) => String(each.value.cooked)).join("…")
    return type === "StringLiteral" ? value : undefined
  }
  return nodes
    .map(textOf)
    .filter(isText)
    .filter(
      (value) =>
        /\S\s+\S/.test(value) && !/^\s*(?:select|insert|revoke|grant|alter|create|drop|update|delete)\b/.test(value)
    )
}

const filesOf = (folder: string, ending: RegExp): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name) && !/\.test\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((text) => !text.includes("node_modules") && !text.includes("/dist/"))

/** A page without its commands and tables. */
const proseOf = (file: string) =>
  readFileSync(file, "utf8")
    .replace(/^```.*?^```/gms, "")
    .replace(/^\|.*$/gm, "")

/** By file, a part of each sentence that means something else: parts of a config, keys, or something that the reader came to remove. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  "server/src/control/deployments/diff/acceptedServices.ts": ["choose another name, or delete it there"],
  "server/src/edge/api/openapi/tags.ts": ["delete services, and read their logs"],
  "server/test/deployments/fakeRuntime.ts": ["remove …/…"],
  "server/src/tenancy/identity/keys/keyRules.ts": ["elete it, and create"],
  "server/src/tenancy/identity/keys/trustRules.ts": ["Remove it, or require a value"],
  "server/src/tenancy/identity/keys/createTrust.ts": ["Delete it first, or choose another name"],
  "server/src/control/privacy/erasePerson.ts": ["you are the only owner of", "you are the only member of"],
  "server/src/runtimes/local/instances/containers/containerMounts.ts": ["Remove it."],
  "server/src/stores/sources/buildImage.ts": ["Remove it."],
  "cli/src/commands/accountDelete.ts": ["erase your data"],
  "sdk/src/api/visibleText.ts": ["Remove it."],
  "synth/src/egress.ts": ["Remove it"],
  "synth/src/manifestProblems.ts": ["Remove the field"],
  "config-schema/src/env.ts": ["Remove it."],
  "docs/auth.md": ["remove it, and add it with the claim"],
  "docs/getting-started.md": ["Remove it"],
  "docs/kubernetes.md": ["The server may create, change and delete only namespaces"],
  "docs/policies.md": ["Over the API:"],
  "docs/privacy.md": ["how to export and erase it", "They contain the data until you delete them"],
  "docs/reliability.md": ["A message never advises you to remove data", "kills servers by SIGKILL"]
}

const foundIn = (files: ReadonlyArray<string>, texts: (file: string) => ReadonlyArray<string>) =>
  files.flatMap((file) => {
    const name = relative(root, file)
    return texts(file)
      .flatMap(adviceIn)
      .filter((sentence) => allowed[name]?.some((value) => sentence.includes(value)) !== true)
      .map((value) => `${name}: ${value}`)
  })

describe("no text advises removing a server's data", () => {
  for (const name of ["server", "cli", "sdk", "builder", "oci", "synth", "config-schema"]) {
    it(`in ${name}`, () => {
      expect(foundIn(filesOf(`${name}/src`, /\.ts$/), textsOf)).toStrictEqual([])
    })
  }

  it("in the docs", () => {
    const pages = [...filesOf("docs", /\.md$/).filter((text) => !text.includes("/decisions/")), join(root, "README.md")]
    expect(foundIn(pages, (file) => [proseOf(file)])).toStrictEqual([])
  })

  it("finds advice from earlier versions", () => {
    for (const text of [
      "/data/postgres belongs to another user of this machine. Remove it.",
      "The password is missing: restore …, or move … away to begin anew.",
      "Stop the server and delete its data folder: nothing of it is kept elsewhere.",
      "If no restore runs any more, remove …, and restore once more.",
      "put it right, or remove it (rm …) and sign in again",
      "Make the database anew (drop database, create database), empty the data folder but for its keys."
    ])
      expect(adviceIn(text), text).not.toHaveLength(0)
    for (const text of ["Services that the config leaves out are removed.", "`maxcloud delete NAME` ends a service."])
      expect(adviceIn(text), text).toHaveLength(0)
  })
})
