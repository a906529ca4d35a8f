// XML text, appended piece by piece.
#pragma once

#include <string>
#include <string_view>

#include "protocol/shape.h"

namespace lambent::protocol {

// Text content, escaped; characters that XML 1.0 cannot hold become U+FFFD.
void append_xml_text(std::string& out, std::string_view text);

// <name>text</name>
void append_xml_element(std::string& out, std::string_view name, std::string_view text);

// The members of a struct as elements, without one around them; lists in <member> elements, maps in <entry>.
void append_xml(std::string& out, const Structure& structure, const void* value);

}  // namespace lambent::protocol
