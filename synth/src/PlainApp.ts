import { App, type IResolver, NumberStringUnionResolver } from "cdk8s"

const resolvers = [new NumberStringUnionResolver()]

/** An App of plain data, of which only quantities and ports are resolved: not each value also as a lazy one and a token. */
export class PlainApp extends App {
  override readonly resolvers: Array<IResolver> = resolvers
}
