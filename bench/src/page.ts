import { availableParallelism, cpus, totalmem } from "node:os"
import { rowLine } from "./goals.ts"
import type { Row } from "./measure.ts"

/** docs/benchmarks.md with these lines of its table. */
const pageOf = (lines: ReadonlyArray<string>): string => {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  return `# Benchmarks

<!-- no-run: takes an hour -->

\`\`\`sh
npm run bench
\`\`\`

Medians of interleaved runs on one machine (${machine}). Only the ratios apply to other machines. \`npm run bench\` writes this page, and \`npm run bench -- --write NAME\` the rows of one benchmark; its measurements on a cluster need \`KUBECONFIG\` and kubectl, that of 2,000 namespaces \`KUBEBUILDER_ASSETS\` (a folder with etcd and kube-apiserver). A goal that a row doesn't reach is marked as **missed**.

| work | max-cloud | peer | ratio | goal |
|---|---|---|---|---|
${lines.join("\n")}
`
}

export const newPage = (rows: ReadonlyArray<Row>): string => pageOf(rows.map(rowLine))

/**
 * The page with new rows in place of those that `replaces` matches (undefined: those with the same work as a new one), or at the end
 * if there are none. The other rows stay as they were measured.
 */
export const updatedPage = (page: string, replaces: RegExp | undefined, rows: ReadonlyArray<Row>): string => {
  const lines = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| work |"))
  const isReplaced = (line: string) =>
    replaces === undefined ? rows.some(({ work }) => line.startsWith(`| ${work} |`)) : replaces.test(line.slice(2))
  const first = lines.findIndex(isReplaced)
  const place = first === -1 ? lines.length : first
  return pageOf([
    ...lines.slice(0, place),
    ...rows.map(rowLine),
    ...lines.slice(place).filter((line) => !isReplaced(line))
  ])
}
