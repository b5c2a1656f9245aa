import helmet from 'helmet';

export interface PageHeaders {
  /** Whether the page is served over TLS: then browsers keep to it. Plain HTTP stays possible: the default is loopback. */
  readonly tls: boolean;
  /** Whether the page sends forms to its own server, beside what its scripts request. */
  readonly sendsForms: boolean;
}

/** The security headers of a page: nothing from another host, no inline script, no frame around it. */
export const pageHeaders = ({ tls, sendsForms }: PageHeaders) =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'"],
        'img-src': ["'self'"],
        'connect-src': ["'self'"],
        'form-action': [sendsForms ? "'self'" : "'none'"],
        'base-uri': ["'none'"],
        'frame-ancestors': ["'none'"],
        'require-trusted-types-for': ["'script'"],
      },
    },
    // Under `no-referrer` browsers send forms with `Origin: null`, and the check of the origin takes them for another site's.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: tls,
  });
