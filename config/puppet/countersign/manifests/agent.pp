# The settings of an agent and the renewal of its certificate. Declared by `countersign`, in its
# stage.
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
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
      source => 'puppet:///modules/countersign/renew-certificate',
    }

    # The CA may be away: that is no failure of this run, and the next one tries again.
    exec { 'countersign: renew the certificate':
      command => "${renew} ${countersign::ssldir} ${trusted['certname']} ${countersign::ca_server} ${countersign::ca_port}",
      onlyif  => [
        "test -s ${certificate}",
        "sh -c '! openssl x509 -noout -checkend ${seconds} -in ${certificate}'",
      ],
      path    => ['/usr/bin', '/bin'],
      returns => [0, 75],
      require => File[$renew],
    }
  }
}
