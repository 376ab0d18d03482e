// Tries whether every listener of the configuration could open, and closes it again: for `verona doctor` while no server runs.
import { keyOf, type ListenAddress, type Section } from '#config'
import { ListenError, listenTcp, listenUdp } from '#net'
import { allSections, type Configuration } from './configuration.ts'

export interface ListenerProbe {
  /** The name in the configuration: `[sip] udp`. */
  readonly setting: string
  /** `127.0.0.1:5060/udp` */
  readonly where: string
  /** What is wrong and what to do; undefined when it opens. */
  readonly trouble: string | undefined
}

export async function probeListeners(configuration: Configuration): Promise<ListenerProbe[]> {
  const probes: ListenerProbe[] = []
  for (const section of allSections(configuration.protocols)) {
    const values = configuration.config.of(section as Section) as Readonly<Record<string, unknown>>
    for (const [property, setting] of Object.entries(section.settings)) {
      const value = values[property] as ListenAddress | readonly ListenAddress[] | undefined
      if (!setting.listens || value === undefined) continue
      // By our names: a listener for datagrams is called udp.
      for (const at of [value].flat())
        probes.push(await probe(`[${section.name}] ${keyOf(property)}`, at, property === 'udp'))
    }
  }
  return probes
}

async function probe(setting: string, at: ListenAddress, isUdp: boolean): Promise<ListenerProbe> {
  const where = `${at.host ?? '*'}:${at.port}/${isUdp ? 'udp' : 'tcp'}`
  try {
    const listener = isUdp
      ? await listenUdp({ name: setting, ...at, onDatagram: () => {} })
      : await listenTcp({ name: setting, ...at, onConnection: (connection) => connection.close() })
    await listener.close()
    return { setting, where, trouble: undefined }
  } catch (error) {
    if (error instanceof ListenError) return { setting, where, trouble: error.message }
    throw error
  }
}
