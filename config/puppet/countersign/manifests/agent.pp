# The settings of an agent and the renewal of its certificate. Declared by `countersign`, in its
# stage.
#
# When a resource of a stage fails, Puppet skips all later stages. So there is nothing here that fails
# because a server is away.
#
# @api private
class countersign::agent {
  countersign::setting {
    default:
      confdir => $countersign::confdir;
    'ca_server':
      value => $countersign::ca_server;
    'ca_port':
      value => String($countersign::ca_port);
    'crl_refresh_interval':
      value => $countersign::crl_refresh_interval;
  }

  if versioncmp($facts['puppetversion'], '8.0.0') >= 0 {
    countersign::setting { 'hostcert_renewal_interval':
      value   => "${countersign::renew_before}d",
      confdir => $countersign::confdir,
    }
  } elsif $countersign::renew_before > 0 {
    $renew = "${countersign::confdir}/renew-certificate"
    $certificate = "${countersign::ssldir}/certs/${trusted['certname']}.pem"
    $seconds = $countersign::renew_before * 86400

    file { $renew:
      ensure  => file,
      mode    => '0755',
      # In the catalog, not fetched: see above.
      content => file('countersign/renew-certificate'),
    }

    # The CA may be away, and what it sends may not fit: the next run tries again.
    exec { 'countersign: renew the certificate':
      command   => "${renew} ${countersign::ssldir} ${trusted['certname']} ${countersign::ca_server} ${countersign::ca_port}",
      onlyif    => [
        "test -s ${certificate}",
        "sh -c '! openssl x509 -noout -checkend ${seconds} -in ${certificate}'",
      ],
      path      => ['/usr/bin', '/bin'],
      returns   => [0, 1, 75],
      logoutput => true,
      loglevel  => 'warning',
      require   => File[$renew],
    }
  }
}
