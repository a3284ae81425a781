import { App, type IResolver, NumberStringUnionResolver } from "cdk8s"

const resolvers = [new NumberStringUnionResolver()]

/** An App of plain data. Resolves only quantities and ports, so that not every value becomes a lazy value and a token. */
export class PlainApp extends App {
  override readonly resolvers: Array<IResolver> = resolvers
}
