import { serverBenchmark } from "./server.ts"
console.log(await serverBenchmark.run())
