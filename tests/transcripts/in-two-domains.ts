// A script of one server's people as one of people in two domains of two servers.

const servers = (by: string): string =>
  `servers\n  montague.example ${by}\n  capulet.example ${by}\n\naccounts\n`

/** Romeo in one domain, Juliet in the other. */
export function inTwoDomains(text: string, by: string): string {
  return (
    text
      .replaceAll(/romeo@localhost/g, 'romeo@montague.example')
      .replaceAll(/juliet@localhost/g, 'juliet@capulet.example')
      .replaceAll('impp://localhost/romeo', 'impp://montague.example/romeo')
      .replaceAll('impp://localhost/juliet', 'impp://capulet.example/juliet')
      // What watches and what is watched speak with the service of who is watched (RFC 3343 §4).
      .replaceAll('apex=presence@localhost', 'apex=presence@capulet.example')
      .replaceAll("delay' from='localhost'", "delay' from='capulet.example'")
      // A message that is on its way while time passes is stored later than one that is not.
      .replaceAll('T00:00:0*Z', 'T00:0*Z')
      .replace('accounts\n', servers(by))
  )
}
